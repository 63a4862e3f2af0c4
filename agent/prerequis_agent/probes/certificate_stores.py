"""Counts the certificates in the stores of the system, by kind and by month of end; subjects and serials stay there.

Windows: the store MY of the machine, and of the user in his own session. macOS: the System keychain, the machine's own;
a user's keychain may be locked and is left alone. Linux has no store that its programs share.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby

from prerequis.v1.certificate_stores_pb2 import CertificateStores, StoredCertificates
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.windows.api import StoredCertificate

_SYSTEM_KEYCHAIN = "/Library/Keychains/System.keychain"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
# `security find-identity` numbers each key that has a certificate, and gives the certificate's SHA-1 before its name.
_IDENTITY = re.compile(r"^\s*[0-9]+\) ([0-9A-F]{40}) ", re.MULTILINE)


def parse_keychain(certificates: str, identities: str) -> list[StoredCertificate]:
    """Return the certificates that `security find-certificate -a -p` gives; `identities` tells those with a key.

    Raises ParseError when what stands between the marks is no base 64.
    """
    import hashlib
    from base64 import b64decode

    from prerequis_agent import igc_sante

    with_key = set(_IDENTITY.findall(identities))
    found = []
    for text in _PEM.findall(certificates):
        try:
            der = b64decode("".join(text.split()), validate=True)
        except ValueError:
            raise ParseError("Le trousseau du système se lit mal.") from None
        has_key = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper() in with_key
        kept = igc_sante.read(der)
        if kept is None:
            found.append(StoredCertificate(igc_sante.Kind.OTHER, has_key))
        else:
            found.append(StoredCertificate(kept.kind, has_key, kept.ends_at, kept.test))
    return found


def count(certificates: Iterable[StoredCertificate], now: datetime, *, machine: bool) -> list[StoredCertificates]:
    """Return how many certificates of each kind there are, and the months in which those that hold end."""
    counted = []
    for kind, group in groupby(sorted(certificates, key=_kind), key=_kind):
        rows = list(group)
        ends = [row.ends_at for row in rows if row.ends_at is not None and not row.test]
        holding = [end for end in ends if end >= now]
        store = StoredCertificates(
            kind=StoredCertificates.Kind.Value(kind),
            machine_store=machine,
            count=len(rows),
            with_key=sum(row.has_key for row in rows),
            test=sum(row.test for row in rows),
            expired=len(ends) - len(holding),
        )
        if holding:
            store.first_end.FromDatetime(_month(min(holding)))
            store.last_end.FromDatetime(_month(max(holding)))
        counted.append(store)
    return counted


def _kind(certificate: StoredCertificate) -> str:
    return certificate.kind


def _month(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def observe(host: Host) -> Observation:
    """Return the stores that show themselves; raises Unsupported or NotPermitted when none does."""
    attributes, facts, now = Attributes(host), CertificateStores(), datetime.now(UTC)
    if host.platform == "win32":
        machine = host.win32().certificates("machine")
        facts.stores.extend(count(machine, now, machine=True))
        with attributes.part():
            facts.stores.extend(count(host.win32().certificates("user"), now, machine=False))
    elif host.platform == "darwin":
        pem = _said(host, "find-certificate", "-a", "-p", _SYSTEM_KEYCHAIN)
        identities = _said(host, "find-identity", _SYSTEM_KEYCHAIN)
        facts.stores.extend(count(parse_keychain(pem, identities), now, machine=True))
        attributes.note("Le trousseau de l'utilisateur n'est pas ouvert.")
    else:
        raise Unsupported("Linux n'a pas de magasin de certificats commun à ses programmes.")
    return Observation(facts, attributes.detail(facts, {}))


def _said(host: Host, *arguments: str) -> str:
    """Return what `security` writes, in pieces: certificates name people, and a recorded machine keeps no pieces."""
    return b"".join(host.run_in_pieces("security", *arguments)).decode(errors="replace")


PROBE = Probe(
    name="certificate_stores",
    observe=observe,
    about="Certificats installés : combien, de quelle sorte et jusqu'à quel mois ; jamais de qui.",
    commands=("security",),
    win32=("certificates",),
)
