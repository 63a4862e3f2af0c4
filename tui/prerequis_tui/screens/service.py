"""Shows one service: what a network administrator must know to let the site reach it."""

from collections.abc import Iterator

from prerequis_tui import service_words, wording
from prerequis_tui.credential import Credential
from prerequis_tui.screens.sheet import SheetScreen
from prerequis_tui.service_words import Service
from prerequis_tui.widgets.sheet import Part
from prerequis_tui.widgets.tones import toned, worded
from prerequis_tui.wording import Tone


class ServiceScreen(SheetScreen):
    """One host that the site needs."""

    HELP = "Ce que le poste désigné du site a trouvé ; la phrase est à transmettre telle quelle à qui tient le réseau."

    def __init__(self, credential: Credential, site: str, service: Service) -> None:
        super().__init__(credential, site, service_words.place(service), parts(service))


def parts(one: Service) -> Iterator[Part]:
    """Return the labelled parts of a service."""
    endpoint = one.endpoint
    yield Part("État", worded(service_words.state(one)))
    yield Part("Pour", service_words.purpose(one))
    yield Part("DUI", "indispensable" if one.essential else "peut s'en passer")
    if said := service_words.sentence(one):
        yield Part("À dire", toned(said, Tone.STRONG))
        yield Part("", "à l'administrateur du réseau du site : c'est à lui d'ouvrir ou de corriger.")
    if one.HasField("since"):
        yield Part("Depuis le", service_words.since(one))
    for family in service_words.FAMILIES:
        path = service_words.path(one, family)
        if path is not None:
            took = f" en {path.connect_seconds * 1000:.0f} ms" if path.HasField("connect_seconds") else ""
            yield Part(family, f"connexion établie{took}" if path.reachable else "pas de connexion")
    yield Part("Protocole", service_words.PROTOCOL.get(endpoint.protocol, wording.NOT_KNOWN))
    if endpoint.through_proxy:
        yield Part("Chemin", "par le mandataire (proxy) du poste")
    if endpoint.tls_version:
        yield Part("Version", endpoint.tls_version)
    if endpoint.issuer:
        yield Part("Certificat", f"signé par {endpoint.issuer}")
