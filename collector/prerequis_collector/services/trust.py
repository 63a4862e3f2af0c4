"""By which authorities the collector is known: its own, those above it, and those announced to sign for it later.

A machine says daily by which it knows the collector and is given those that it lacks, so that the collector's
certificate may move under another root once no machine is left that would refuse it.
"""

import hashlib
import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from prerequis_collector.errors import InvalidInput, NotFound
from prerequis_collector.services.audit import note
from prerequis_collector.services.authority import AGENT_LIFE, MALFORMED, Authority, is_root
from prerequis_collector.services.server_certificate import leads_to
from prerequis_collector.store.agents import Agents
from prerequis_collector.store.coming_authorities import ComingAuthorities, ComingAuthorityRow
from prerequis_collector.store.database import Transaction


class Trust(NamedTuple):
    """What a machine that says by which authorities it knows the collector is to be told, and what is to be noted."""

    lacking: Sequence[bytes]
    """Those by which it is to know it, DER; empty when it does."""
    is_news: bool
    """It did not say so before."""


def given(transaction: Transaction, authority: Authority) -> list[bytes]:
    """Return the certificates by which everybody is to know the collector, DER, that of its own authority first."""
    own = [one.public_bytes(Encoding.DER) for one in authority.trusted]
    return [*own, *(row.certificate for row in ComingAuthorities(transaction).all())]


def given_pem(transaction: Transaction, authority: Authority) -> str:
    """Return them as PEM, for tickets and credentials."""
    return "".join(map(ssl.DER_cert_to_PEM_cert, given(transaction, authority)))


def trust(transaction: Transaction, authority: Authority, agent_id: str, said: bytes) -> Trust:
    """Return what to tell and to note of a machine that trusts certificates of this digest."""
    wanted, agent = given(transaction, authority), Agents(transaction).find(agent_id)
    return Trust(() if said == _digest(wanted) else wanted, agent is not None and agent.trusts != said)


def left_behind(transaction: Transaction, authority: Authority, now: datetime) -> int:
    """Return how many machines whose certificate may still hold would refuse an authority that was announced."""
    return Agents(transaction).trusting_otherwise(_digest(given(transaction, authority)), now - AGENT_LIFE)


def announce(transaction: Transaction, authority: Authority, pem: bytes, *, author: str, now: datetime) -> list[str]:
    """Have every machine trust these roots too, and return their fingerprints; raises InvalidInput."""
    try:
        roots = x509.load_pem_x509_certificates(pem)
    except MALFORMED as error:
        raise InvalidInput("Ce fichier ne contient pas de certificats lisibles, en PEM.") from error
    known = given(transaction, authority)
    fingerprints = []
    for root in roots:
        if not is_root(root):
            raise InvalidInput(
                "Ce fichier doit contenir des autorités racines seulement ; ce qui est en dessous se joint au "
                "certificat du collecteur."
            )
        if not root.not_valid_before_utc <= now <= root.not_valid_after_utc:
            raise InvalidInput(
                f"Cette autorité vaut du {root.not_valid_before_utc:%d/%m/%Y} au {root.not_valid_after_utc:%d/%m/%Y}, "
                f"et l'horloge de cette machine indique le {now:%d/%m/%Y}."
            )
        der, fingerprint = root.public_bytes(Encoding.DER), root.fingerprint(hashes.SHA256()).hex()
        row = ComingAuthorityRow(fingerprint=fingerprint, certificate=der, announced_at=now)
        if der in known or not ComingAuthorities(transaction).add(row):
            raise InvalidInput(f"L'autorité {fingerprint} est déjà connue des postes ou annoncée.")
        note(transaction, author, "certificate.announce", fingerprint, now)
        fingerprints.append(fingerprint)
    return fingerprints


def withdraw(
    transaction: Transaction,
    authority: Authority,
    fingerprint: str,
    served: Sequence[x509.Certificate],
    name: str,
    *,
    author: str,
    now: datetime,
) -> str:
    """Have no machine trust an announced root any more, and return its fingerprint, given by its beginning.

    Raises NotFound, and InvalidInput when the collector's own certificate, served under this name, leads to no other.
    """
    announced = ComingAuthorities(transaction).all()
    found = [row.fingerprint for row in announced if fingerprint and row.fingerprint.startswith(fingerprint.lower())]
    if len(found) != 1:
        raise NotFound(
            f"« {fingerprint} » ne désigne pas une autorité annoncée ; voir « prerequis-collector certificate "
            "authorities »."
        )
    ComingAuthorities(transaction).remove(found[0])
    rest = [x509.load_der_x509_certificate(one) for one in given(transaction, authority)]
    shown = served and served[0].not_valid_after_utc > now
    if shown and not leads_to(served, name, rest, now):
        raise InvalidInput(
            "Le certificat que montre le collecteur vient de cette autorité : en faire un autre d'abord, par "
            "« certificate renew » ou « certificate request »."
        )
    note(transaction, author, "certificate.withdraw", found[0], now)
    return found[0]


def _digest(certificates: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"".join(certificates)).digest()
