"""`advise`: what to do on this machine, now."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from prerequis.command_line import ExitCode
from prerequis_agent.config import State
from prerequis_agent.probes import probe_names

if TYPE_CHECKING:
    from prerequis.v1.report_pb2 import Report
    from prerequis_agent.advice import Advice

HELP = "dit ce qu'il reste à faire sur ce poste, sans rien envoyer"

_MARKS = {"FAIL": "✗", "UNKNOWN": "?", "PASS": "✓"}
_LEVELS = {"blocking": "bloquant", "major": "important", "minor": "mineur", "info": "pour information"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="écrit les verdicts en JSON")


def run(options: argparse.Namespace) -> ExitCode:
    """Scan without the line, which no rule for one machine looks at, and write the verdicts on stdout."""
    from dataclasses import asdict

    from prerequis_agent.advice import advise
    from prerequis_agent.progress import progress_on
    from prerequis_agent.survey import survey

    state = State(options.state)
    report = survey(state, frozenset(probe_names()) - {"line"}, progress_on(sys.stderr), sys.stderr.write)
    advice = advise(report, state.enrolment().finess if state.is_enrolled else "")
    if options.json:
        verdicts = [{name: value for name, value in asdict(one).items() if name != "title"} for one in advice]
        sys.stdout.write(json.dumps({"verdicts": verdicts}, ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(_text(advice, report))
    return ExitCode.DONE


def _text(advice: "tuple[Advice, ...]", report: "Report") -> str:
    shown = [one for one in advice if one.verdict in _MARKS]
    failed = [one for one in shown if one.verdict == "FAIL"]
    unknown = [one for one in shown if one.verdict == "UNKNOWN"]
    met = len(shown) - len(failed) - len(unknown)
    lines = [f"À corriger : {len(failed)}. Non vérifié : {len(unknown)}. Conforme : {met}."]
    for one in shown:
        level = f" ({_LEVELS[one.level]})" if one.verdict != "PASS" else ""
        lines.append(f"  {_MARKS[one.verdict]} {one.title}{level}")
        if one.observed:
            lines.append(f"      vu : {one.observed}")
        if one.verdict == "FAIL":
            lines.append(f"      à faire : {one.remedy}")
    unseen = [f"  {run.name} : {run.detail}" for run in report.probes if run.detail]
    if not report.workstation.HasField("role"):
        unseen.append(
            "  rôle du poste : non déclaré ; enrôler avec --role pour que les règles du soin soient vérifiées."
        )
    if unseen:
        lines += ["Ce qui n'a pas pu être vu :", *unseen]
    return "\n".join(lines) + "\n"
