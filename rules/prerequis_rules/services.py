"""What knowledge makes of the services that a site needs: their names, which count, and what a network must change."""

from collections.abc import Mapping
from datetime import UTC

from prerequis.v1.context_pb2 import SiteService, SiteServices
from prerequis.v1.facts_pb2 import Endpoint
from prerequis.v1.register_pb2 import Profile
from prerequis.v1.services_pb2 import TCP, TLS
from prerequis_rules.knowledge import Knowledge, NationalService

COLLECTOR = "collector"
"""The purpose of the host that the machines report to."""

_PURPOSES = {
    COLLECTOR: "collecteur Prérequis",
    "dui": "DUI",
    "insi": "téléservice INSi",
    "psc": "Pro Santé Connect",
    "dmp": "DMP",
}

_FAILURES: Mapping[int, str] = {
    Endpoint.NAME_NOT_FOUND: "nom inconnu du DNS",
    Endpoint.REFUSED: "connexion refusée (service arrêté, ou pare-feu qui rejette)",
    Endpoint.TIMED_OUT: "pas de réponse (pare-feu qui filtre sans le dire, ou ligne coupée)",
    Endpoint.UNREACHABLE: "réseau ou hôte injoignable",
    Endpoint.TLS_FAILED: "échange TLS coupé (filtrage, ou version de TLS refusée)",
    Endpoint.TLS_NOT_TRUSTED: "certificat non reconnu",
    Endpoint.PROXY_UNREACHABLE: "mandataire (proxy) injoignable",
    Endpoint.PROXY_REFUSED: "refusé par le mandataire (proxy)",
    Endpoint.CAPTIVE_PORTAL: "renvoyé vers une autre page (portail captif)",
    Endpoint.WRONG_ANSWER: "réponse qui n'est pas celle du service (filtrage ou antivirus qui répond à sa place)",
    Endpoint.CUT: "connexion coupée avant la réponse (filtrage)",
}

_FAULTS: Mapping[int, str] = {
    Endpoint.UNKNOWN_AUTHORITY: "autorité inconnue du poste",
    Endpoint.EXPIRED: "expiré",
    Endpoint.NOT_YET_VALID: "pas encore valable (vérifier l'horloge du poste)",
    Endpoint.WRONG_NAME: "au nom d'un autre hôte",
}

_BY_SCRIPT = " ; un script (PAC) choisit le mandataire des navigateurs : le régler aussi pour le système"


def described(services: SiteServices, profile: Profile, knowledge: Knowledge) -> SiteServices:
    """Return the services with what is known of each: name, whether it is essential, interception, trouble.

    A host of the profile is essential, for its editor asks for it; the collector is not, for the DUI works without it.
    `intercepted` is told of public and national hosts
    alone, and only where the machine could compare: an editor may well have an authority of its own.
    """
    national = {(one.host, one.port): one for one in knowledge.services}
    own = {(host.host, host.port) for host in profile.hosts}
    told = SiteServices(observed_at=services.observed_at if services.HasField("observed_at") else None)
    if services.HasField("automatic_script"):
        told.automatic_script = services.automatic_script
    for one in services.asked:
        kept = told.asked.add()
        kept.CopyFrom(one)
        kept.endpoint.protocol = one.endpoint.protocol or TLS
        if not (one.endpoint.HasField("host") and one.endpoint.HasField("port")):
            continue
        place = (one.endpoint.host, one.endpoint.port)
        known = national.get(place)
        kept.name = known.name if known else _PURPOSES.get(one.endpoint.purpose, one.endpoint.purpose)
        kept.national = known is not None
        if place in own:
            kept.essential = True
        elif known is not None:
            kept.essential = _counts(known, profile)
        elif one.endpoint.HasField("purpose"):
            kept.essential = one.endpoint.purpose != COLLECTOR
        if known and one.endpoint.public_authority:
            kept.intercepted = False
        elif known and one.endpoint.HasField("public_authority") and one.endpoint.HasField("issuer"):
            kept.intercepted = not any(part in one.endpoint.issuer for part in knowledge.issuers)
        if trouble := _trouble(kept, by_script=services.automatic_script):
            kept.trouble = trouble
        elif remark := _remark(kept):
            kept.remark = remark
    return told


def _counts(known: NationalService, profile: Profile) -> bool:
    """Return whether a national service is essential where INSi is called as the profile says."""
    return known.essential and (not known.insi or profile.insi in (known.insi, Profile.MIXED))


def _trouble(one: SiteService, *, by_script: bool) -> str:
    """Return what a network administrator needs to know; empty when there is no failure."""
    endpoint = one.endpoint
    if endpoint.reachable or not endpoint.HasField("reachable"):
        return ""
    since = f", depuis le {one.since.ToDatetime(UTC):%d/%m/%Y}" if one.HasField("since") else ""
    # The agent goes straight to its collector, and only the Web goes through a Web proxy.
    elsewhere = endpoint.through_proxy or endpoint.protocol == TCP or endpoint.purpose == COLLECTOR
    script = _BY_SCRIPT if by_script and not elsewhere else ""
    return f"{_place(one)} : {_what_failed(endpoint)}{_families(endpoint)}{since}{script}"


def _remark(one: SiteService) -> str:
    """Return what deserves a look of a service that was reached; empty when nothing does."""
    endpoint = one.endpoint
    paths = (("IPv4", endpoint.HasField("ipv4"), endpoint.ipv4), ("IPv6", endpoint.HasField("ipv6"), endpoint.ipv6))
    said = [
        f"{name} échoue : {_FAILURES.get(path.failure, 'échec')}"
        for name, tried, path in paths
        if endpoint.reachable and tried and path.HasField("reachable") and not path.reachable
    ]
    if endpoint.reachable and one.intercepted:
        said.append(f"échanges ouverts en chemin (certificat de « {endpoint.issuer} »)")
    return f"{_place(one)} : joint, mais {' ; '.join(said)}" if said else ""


def _place(one: SiteService) -> str:
    """Return where it is and what it is for: "dui.example:443 (DUI)"."""
    return f"{one.endpoint.host}:{one.endpoint.port}{f' ({one.name})' if one.name else ''}"


def _what_failed(endpoint: Endpoint) -> str:
    what = _FAILURES.get(endpoint.failure, "échec")
    if endpoint.failure == Endpoint.TLS_NOT_TRUSTED:
        details = [
            _FAULTS.get(endpoint.certificate_fault, ""),
            f"signé par « {endpoint.issuer} »" if endpoint.issuer else "",
        ]
        what += "".join(f", {detail}" for detail in details if detail)
    elif endpoint.HasField("http_status") and endpoint.failure != Endpoint.CAPTIVE_PORTAL:
        what += f", réponse HTTP {endpoint.http_status}"
    if endpoint.through_proxy and endpoint.failure not in (Endpoint.PROXY_REFUSED, Endpoint.PROXY_UNREACHABLE):
        what += ", par le mandataire"
    return what


def _families(endpoint: Endpoint) -> str:
    """Return over which address family it failed, where the other one was tried too."""
    if not (endpoint.HasField("ipv4") and endpoint.HasField("ipv6")) or endpoint.ipv4 == endpoint.ipv6:
        return ""
    return "".join(
        f" ; {name} : {'joint' if path.reachable else _FAILURES.get(path.failure, 'échec')}"
        for name, path in (("IPv4", endpoint.ipv4), ("IPv6", endpoint.ipv6))
    )
