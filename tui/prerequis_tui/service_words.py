"""How the services of a site are said in French: reached or not, over which address family, since when."""

from collections import Counter
from collections.abc import Iterable

from prerequis.v1 import context_pb2, facts_pb2, services_pb2
from prerequis_tui import wording
from prerequis_tui.wording import Tone, Word

Service = context_pb2.SiteService

_CLOSED = Word("✘", "Injoignable", Tone.BAD)
_CLOSED_EXTRA = Word("✘", "Injoignable", Tone.WARNING)
_NOT_WHOLLY = Word("!", "À corriger", Tone.WARNING)
_UNSURE = Word("?", "À vérifier", Tone.UNKNOWN)
_REACHED = Word("✔", "Joint", Tone.GOOD)
_ORDER = (_CLOSED, _CLOSED_EXTRA, _NOT_WHOLLY, _UNSURE, _REACHED)

PROTOCOL: dict[services_pb2.ServiceProtocol.ValueType, str] = {
    services_pb2.TLS: "TLS",
    services_pb2.MUTUAL_TLS: "TLS avec certificat du client",
    services_pb2.CRL: "HTTP, liste de révocation",
    services_pb2.OCSP: "HTTP, OCSP",
    services_pb2.TCP: "TCP",
}

NEVER = "Jamais interrogés : lancer « prerequis-agent run --now » sur un poste du site."


def state(one: Service) -> Word:
    """Return whether the service was reached; a failure of one that the DUI can do without weighs less."""
    if not one.endpoint.HasField("reachable"):
        return _UNSURE
    if one.endpoint.reachable:
        return _NOT_WHOLLY if one.remark else _REACHED
    return _CLOSED if one.essential else _CLOSED_EXTRA


def in_order(services: Iterable[Service]) -> list[Service]:
    """Return the services, what must be opened first."""
    return sorted(services, key=lambda one: (_ORDER.index(state(one)), one.endpoint.host, one.endpoint.port))


def place(one: Service) -> str:
    """Return "dui.example:443"."""
    return f"{one.endpoint.host}:{one.endpoint.port}"


def purpose(one: Service) -> str:
    """Return what the host is for."""
    return one.name or one.endpoint.purpose or wording.NOT_KNOWN


FAMILIES = ("IPv4", "IPv6")


def path(one: Service, family: str) -> facts_pb2.EndpointPath | None:
    """Return what was found over "IPv4" or "IPv6"; None where that was not tried."""
    endpoint = one.endpoint
    found = {
        "IPv4": endpoint.ipv4 if endpoint.HasField("ipv4") else None,
        "IPv6": endpoint.ipv6 if endpoint.HasField("ipv6") else None,
    }[family]
    return found if found is not None and found.HasField("reachable") else None


def reached(one: Service, family: str) -> str:
    """Return whether an address family reached it; a dash where it was not tried."""
    found = path(one, family)
    return "–" if found is None else "oui" if found.reachable else "non"


def since(one: Service) -> str:
    """Return jj/mm/aaaa, the day from which it fails; empty when it does not."""
    return wording.date(one.since)


def sentence(one: Service) -> str:
    """Return what a network administrator needs to know; empty when there is nothing to do."""
    return one.trouble or one.remark


def summary(services: Iterable[Service]) -> list[Word]:
    """Return how many there are of each state, the worst first; of those that fail, how many the DUI needs."""
    found = Counter(state(one) for one in services)
    needed, extra = found.pop(_CLOSED, 0), found.pop(_CLOSED_EXTRA, 0)
    words = [Word(word.symbol, f"{word.text} : {found[word]}", word.tone) for word in _ORDER if word in found]
    if needed or extra:
        part = f"dont {needed} indispensable{'s' if needed > 1 else ''}" if needed else "aucun indispensable"
        closed = _CLOSED if needed else _CLOSED_EXTRA
        words.insert(0, Word(closed.symbol, f"{closed.text} : {needed + extra}, {part}", closed.tone))
    return words
