"""Shows one measurement of a line: figures, conditions, and whether it counts."""

from collections.abc import Iterator

from prerequis.v1 import facts_pb2, line_pb2, line_review_pb2
from prerequis_tui import line_words, wording
from prerequis_tui.credential import Credential
from prerequis_tui.screens.sheet import SheetScreen
from prerequis_tui.widgets.sheet import Part

_FLAGS = {
    line_pb2.LOOPBACK: "vers le poste lui-même",
    line_pb2.LEASE_LOST: "droit de mesurer perdu",
    line_pb2.CONTENTION: "deux postes à la fois",
    line_pb2.CPU_SATURATED: "processeur saturé",
    line_pb2.INTERFACE_CHANGED: "réseau changé en cours de mesure",
    line_pb2.PROXY_BUFFERING: "mandataire qui met en attente",
    line_pb2.SERVER_BUSY: "collecteur chargé",
    line_pb2.CLOCK_STEP: "horloge changée",
    line_pb2.INCOMPLETE: "mesure coupée",
    line_pb2.CAPTIVE_PORTAL: "portail captif",
    line_pb2.WIFI: "en Wi-Fi",
    line_pb2.GATEWAY_DELAY: "réseau local qui ralentit",
    line_pb2.LINK_SPEED_BOUND: "carte réseau atteinte",
    line_pb2.OVER_VPN: "par un VPN",
    line_pb2.TLS_INSPECTED: "échanges chiffrés inspectés",
    line_pb2.CROSS_TRAFFIC: "autre trafic",
    line_pb2.TOKEN_BUCKET: "rapide au début seulement",
    line_pb2.LOSS_LIMITED: "freinée par des pertes",
    line_pb2.BYTE_CAPPED: "volume permis atteint",
    line_pb2.TIME_CAPPED: "temps permis atteint",
    line_pb2.UNSTEADY: "débit variable",
    line_pb2.METERED: "facturée au volume",
    line_pb2.THROUGH_PROXY: "par un mandataire",
}
_INTERFACE = {
    line_pb2.LineConditions.ETHERNET: "câble",
    line_pb2.LineConditions.WIRELESS: "Wi-Fi",
    line_pb2.LineConditions.CELLULAR: "réseau mobile",
    line_pb2.LineConditions.TUNNEL: "tunnel",
    line_pb2.LineConditions.OTHER: "autre",
}


class MeasurementScreen(SheetScreen):
    """One measurement of the site's line."""

    HELP = "Une mesure compte quand rien d'autre que la ligne n'a pu fixer le débit."

    def __init__(self, credential: Credential, site: str, measurement: line_review_pb2.LineMeasurement) -> None:
        title = f"Mesure du {line_words.local(measurement)}"
        super().__init__(credential, site, title, parts(measurement))


def parts(one: line_review_pb2.LineMeasurement) -> Iterator[Part]:
    """Return the labelled parts of a measurement."""
    line = one.result
    yield Part("Compte", f"non : {line_words.counts(one)}" if one.HasField("discard") else "oui")
    yield Part("Poste", one.workstation_name)
    yield Part("Méthode", f"{line_words.METHOD.get(one.method, '–')}{', demandée sur place' if one.attended else ''}")
    yield Part("Heure", "de pointe" if one.busy_hour else "creuse")
    for label, direction in (("Réception", "down"), ("Émission", "up")):
        rate = line_words.found(line, direction)
        yield Part(label, wording.NOT_KNOWN if rate is None else line_words.rate(rate))
    if line.HasField("rtt_seconds"):
        yield Part("Délai", line_words.milliseconds(line.rtt_seconds))
    if line.HasField("confidence"):
        yield Part("Confiance", line_words.CONFIDENCE.get(line.confidence, wording.NOT_KNOWN))
    yield from _conditions(line)
    yield Part("Volume", f"{wording.number(one.bytes // 1000)} Ko")


def _conditions(line: facts_pb2.Line) -> Iterator[Part]:
    if line.flags:
        yield Part("Réserves", " ; ".join(_FLAGS.get(flag, str(flag)) for flag in line.flags))
    conditions = line.conditions
    if conditions.HasField("interface"):
        speed = (
            f", {line_words.megabits(conditions.link_bits_per_second)} Mbit/s"
            if conditions.link_bits_per_second
            else ""
        )
        yield Part("Raccordé par", f"{_INTERFACE.get(conditions.interface, 'autre')}{speed}")
    for check in line.cross_checks:
        name = line_pb2.LineTransport.Name(check.tool).lower().replace("_", "-")
        found = f"{line_words.megabits(check.down_bits_per_second)} Mbit/s en réception"
        yield Part("Comparaison", f"{name} : {check.problem or found} (jamais jugé)")
