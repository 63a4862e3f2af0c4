"""`measure`: measure the site's line now, for a person who waits."""

import argparse
import sys
from typing import TYPE_CHECKING

from prerequis.command_line import ExitCode
from prerequis_agent.config import State

if TYPE_CHECKING:
    from prerequis.v1.facts_pb2 import Line, LineCrossCheck
    from prerequis_agent.line_run import Measured

HELP = "mesure la ligne du site et remet le résultat au collecteur"

_PATIENCE_SECONDS = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="écrit le résultat en JSON")
    parser.add_argument(
        "--capacity", action="store_true", help="cherche tout ce que porte la ligne, non seulement si elle suffit"
    )
    parser.add_argument("--librespeed", default="", metavar="URL", help="mesure aussi vers un serveur LibreSpeed")
    parser.add_argument("--iperf3", default="", metavar="MACHINE[:PORT]", help="mesure aussi vers un serveur iperf3")
    parser.add_argument(
        "--speedtest",
        action="store_true",
        help="mesure aussi par Internet (speedtest-cli donne l'adresse du site à un tiers)",
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Measure and write the result on stdout; FINDING when the measurement could not take place."""
    from datetime import UTC, datetime

    from prerequis.v1.line_pb2 import CAPACITY, SUFFICIENCY
    from prerequis_agent.enrolment import current_identity
    from prerequis_agent.line_lease import Wanted
    from prerequis_agent.line_run import measure
    from prerequis_agent.progress import progress_on
    from prerequis_agent.surroundings import Tools

    state = State(options.state)
    state.enrolment()
    identity = current_identity(state, datetime.now(UTC))
    method = CAPACITY if options.capacity else SUFFICIENCY
    wanted = Wanted(method, attended=True, patience_seconds=_PATIENCE_SECONDS, waiting=_tell)
    tools = Tools(options.librespeed, options.iperf3, options.speedtest)
    measured = measure(state, identity, wanted, tools, progress_on(sys.stderr))
    sys.stdout.write(_json(measured) if options.json else text(measured))
    return ExitCode.DONE if measured.line is not None else ExitCode.FINDING


def _tell(reason: str, seconds: float) -> None:
    sys.stderr.write(f"{reason} Nouvel essai dans {seconds:.0f} s.\n")


def _json(measured: "Measured") -> str:
    import json

    from google.protobuf import json_format

    line = json_format.MessageToDict(measured.line) if measured.line is not None else None
    document = {"line": line, "contention": measured.contention, "detail": measured.run.detail}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def text(measured: "Measured") -> str:
    """Return the measurement in French lines: rates, delay, trust, and what to do next."""
    from prerequis.v1.facts_pb2 import Line

    line = measured.line
    if line is None:
        return f"Pas de mesure. {measured.run.detail}".rstrip() + "\n"
    trust = {Line.LOW: "faible", Line.MEDIUM: "moyenne", Line.HIGH: "forte"}.get(line.confidence, "inconnue")
    lines = [f"Réception : {_rate(line, 'down')}", f"Émission  : {_rate(line, 'up')}"]
    if line.HasField("rtt_seconds"):
        lines.append(f"Délai     : {line.rtt_seconds * 1000:.0f} ms")
    lines.append(f"Confiance : {trust}")
    lines += [_cross_check(one) for one in line.cross_checks]
    if measured.run.detail:
        lines.append(measured.run.detail)
    if measured.contention:
        lines.append("Un autre poste a mesuré en même temps : ce résultat ne comptera pas, relancer la mesure.")
    elif line.confidence == Line.LOW:
        lines.append("Ce résultat ne comptera pas : corriger ce qui précède, puis relancer, sur un poste câblé.")
    else:
        lines.append("Le résultat est remis au collecteur ; « prerequis line » montre l'historique du site.")
    return "\n".join(lines) + "\n"


def _rate(line: "Line", direction: str) -> str:
    from prerequis.v1.line_pb2 import PROVEN, REFUTED

    found = line.down if direction == "down" else line.up
    field = f"{direction}_bits_per_second"
    values = {name.name: value for name, value in line.ListFields()}
    rate = found.bits_per_second if found.HasField("bits_per_second") else values.get(field)
    if rate is None:
        return "non mesurée"
    least = "au moins " if (found.censored if found.HasField("censored") else line.censored) else ""
    shown = f"{least}{both_units(rate)}"
    if found.HasField("target_bits_per_second"):
        wanted = both_units(found.target_bits_per_second)
        shown += {PROVEN: f", suffisant (essai à {wanted})", REFUTED: f", insuffisant (essai à {wanted})"}.get(
            found.stop, ""
        )
    return shown


def both_units(bits_per_second: float) -> str:
    """Return a rate in Mbit/s and in Ko/s of 1000 bytes, as French writes them."""
    megabits = f"{bits_per_second / 1e6:.1f}".replace(".", ",")
    kilobytes = f"{bits_per_second / 8000:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{megabits} Mbit/s ({kilobytes} Ko/s)"


def _cross_check(one: "LineCrossCheck") -> str:
    from prerequis.v1.line_pb2 import LineTransport

    name = LineTransport.Name(one.tool).lower().replace("_", "-")
    if one.HasField("problem"):
        return f"{name} : {one.problem}"
    down = both_units(one.down_bits_per_second) if one.HasField("down_bits_per_second") else "–"
    up = both_units(one.up_bits_per_second) if one.HasField("up_bits_per_second") else "–"
    return f"{name} : {down} en réception, {up} en émission (pour comparaison, jamais jugé)"
