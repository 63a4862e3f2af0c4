"""What weakens a measurement, how far it can then be trusted, and how that is said in French."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prerequis.v1 import line_pb2 as wire
from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_pb2 import LineConditions, LineDirection, LineFlag
from prerequis_agent.line.conditions import Load
from prerequis_agent.line.flow import LeaseEnded
from prerequis_agent.line.latency import RoundTrips, percentile
from prerequis_agent.line.method import Course
from prerequis_agent.line.stop import BUCKET_RATIO

SATURATED_SHARE = 0.7
"""Share of one processor core above which this machine, not the line, may have set the pace."""

BUSY_SERVER_SHARE = 0.5
"""Share of the collector's uplink above which the uplink may have been the limit."""

CLOCK_STEP_SECONDS = 0.5
LOSS_RATIO = 0.6
"""One stream under this share of several is held back by loss or delay, not by the rate of the line."""

LINK_SHARE = 0.85
CROSS_DEVIATION_SECONDS = 0.005
UNSTEADY_VARIATION = 0.35
GATEWAY_RISE_SECONDS = 0.01
_CROSS_SHARE = 0.05

_HARDEST_SOFT = wire.WIFI
"""The flags from here on only blur the figure."""

SENTENCES: Mapping[LineFlag.ValueType, str] = {
    wire.LOOPBACK: "le collecteur est sur ce poste, la ligne du site n'a pas été mesurée : mesurer sur un autre",
    wire.LEASE_LOST: "le collecteur a repris le droit de mesurer avant la fin",
    wire.CONTENTION: "un autre poste a mesuré la ligne en même temps",
    wire.CPU_SATURATED: "le processeur de ce poste a limité la mesure",
    wire.INTERFACE_CHANGED: "le poste a changé de réseau pendant la mesure",
    wire.PROXY_BUFFERING: "un équipement sur le chemin garde les données avant de les transmettre",
    wire.SERVER_BUSY: "la liaison du collecteur était trop occupée",
    wire.CLOCK_STEP: "l'horloge du poste a été changée pendant la mesure",
    wire.INCOMPLETE: "la mesure a été coupée avant la fin",
    wire.CAPTIVE_PORTAL: "un portail captif répond à la place du collecteur",
    wire.WIFI: "le poste est en Wi-Fi, qui peut limiter plus que la ligne",
    wire.GATEWAY_DELAY: "le délai jusqu'à la box a monté aussi, le réseau local limite peut-être",
    wire.LINK_SPEED_BOUND: "la carte réseau du poste limite peut-être",
    wire.OVER_VPN: "la mesure a traversé un VPN",
    wire.TLS_INSPECTED: "un équipement inspecte les échanges chiffrés",
    wire.CROSS_TRAFFIC: "le délai variait avant la mesure, la ligne servait peut-être à autre chose",
    wire.TOKEN_BUCKET: "la ligne va plus vite pendant la première seconde que dans la durée",
    wire.LOSS_LIMITED: "une connexion seule obtient bien moins que plusieurs, des pertes ou le délai la freinent",
    wire.BYTE_CAPPED: "la mesure s'est arrêtée au volume permis",
    wire.TIME_CAPPED: "le débit ne s'est pas stabilisé dans le temps permis",
    wire.UNSTEADY: "le débit a beaucoup varié",
    wire.METERED: "la connexion est facturée au volume",
    wire.THROUGH_PROXY: "la mesure a traversé un mandataire",
}


@dataclass(slots=True)
class Evidence:
    """What the flags are drawn from, beside what the line's facts say."""

    courses: Sequence[Course] = ()
    idle: RoundTrips = field(default_factory=RoundTrips)
    gateway_idle: RoundTrips = field(default_factory=RoundTrips)
    gateway_loaded: RoundTrips = field(default_factory=RoundTrips)
    load: Load = field(default_factory=Load)
    interface_changed: bool = False
    through_proxy: bool = False


def conclude(line: Line, evidence: Evidence) -> str:
    """Set the flags and the confidence of a line; return why it is not higher, one French sentence."""
    flags = list(dict.fromkeys([*line.flags, *_hard(line, evidence), *_soft(line, evidence)]))
    line.ClearField("flags")
    line.flags.extend(sorted(flags))
    line.confidence = confidence(flags)
    return sentence(flags)


def confidence(flags: Sequence[LineFlag.ValueType]) -> Line.Confidence.ValueType:
    """Return LOW when the figure says nothing of the line, MEDIUM when it is blurred, HIGH else."""
    if any(flag < _HARDEST_SOFT for flag in flags):
        return Line.LOW
    return Line.MEDIUM if flags else Line.HIGH


def sentence(flags: Sequence[LineFlag.ValueType]) -> str:
    """Return the flags as one French sentence; empty without any."""
    said = " ; ".join(SENTENCES[flag] for flag in sorted(flags) if flag in SENTENCES)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _hard(line: Line, evidence: Evidence) -> Iterator[LineFlag.ValueType]:
    conditions = line.conditions
    problems = [problem for course in evidence.courses for problem in course.problems]
    if line.loopback:
        yield wire.LOOPBACK
    if any(isinstance(problem, LeaseEnded) for problem in problems):
        yield wire.LEASE_LOST
    if evidence.load.process > SATURATED_SHARE:
        yield wire.CPU_SATURATED
    if evidence.interface_changed:
        yield wire.INTERFACE_CHANGED
    if any(course.held for course in evidence.courses):
        yield wire.PROXY_BUFFERING
    if conditions.HasField("server_load") and conditions.server_load > BUSY_SERVER_SHARE:
        yield wire.SERVER_BUSY
    if evidence.load.clock_step_seconds > CLOCK_STEP_SECONDS:
        yield wire.CLOCK_STEP
    if problems or any(course.found.stop == wire.CUT for course in evidence.courses):
        yield wire.INCOMPLETE


def _soft(line: Line, evidence: Evidence) -> Iterator[LineFlag.ValueType]:
    conditions = line.conditions
    fastest = max((course.found.bits_per_second for course in evidence.courses), default=0.0)
    if conditions.interface == LineConditions.WIRELESS:
        yield wire.WIFI
    if _rose(evidence.gateway_idle, evidence.gateway_loaded):
        yield wire.GATEWAY_DELAY
    if conditions.HasField("link_bits_per_second") and fastest > LINK_SHARE * conditions.link_bits_per_second:
        yield wire.LINK_SPEED_BOUND
    if conditions.vpn:
        yield wire.OVER_VPN
    if conditions.tls_inspected:
        yield wire.TLS_INSPECTED
    own = conditions.other_bits_per_second > max(_CROSS_SHARE * fastest, 1.0) and fastest > 0
    if evidence.idle.deviation > CROSS_DEVIATION_SECONDS or own:
        yield wire.CROSS_TRAFFIC
    for course in evidence.courses:
        yield from of_direction(course.found, course.single_pace)
    if conditions.metered or conditions.interface == LineConditions.CELLULAR:
        yield wire.METERED
    if evidence.through_proxy:
        yield wire.THROUGH_PROXY


def of_direction(found: LineDirection, single_pace: float | None = None) -> Iterator[LineFlag.ValueType]:
    """Give what the figures of one direction themselves tell; `single_pace` is what its single stream was paced at."""
    if found.first_second_bits_per_second > BUCKET_RATIO * found.bits_per_second:
        yield wire.TOKEN_BUCKET
    together = min(found.bits_per_second, single_pace or found.bits_per_second)
    compared = found.streams > 1 and found.HasField("single_stream_bits_per_second")
    if compared and found.single_stream_bits_per_second < LOSS_RATIO * together:
        yield wire.LOSS_LIMITED
    if found.stop == wire.BYTE_CAP:
        yield wire.BYTE_CAPPED
    if found.stop == wire.TIME_CAP:
        yield wire.TIME_CAPPED
    if found.variation > UNSTEADY_VARIATION:
        yield wire.UNSTEADY


def _rose(idle: RoundTrips, loaded: RoundTrips) -> bool:
    if not idle.seconds or not loaded.seconds:
        return False
    return percentile(loaded.seconds, 50) - percentile(idle.seconds, 50) > GATEWAY_RISE_SECONDS
