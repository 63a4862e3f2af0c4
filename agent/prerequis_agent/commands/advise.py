"""`advise`: what to do on this machine, now."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from prerequis.command_line import ExitCode
from prerequis_agent.config import State
from prerequis_agent.probes import probe_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prerequis.v1.report_pb2 import Report
    from prerequis_agent.advice import Advice, Light

HELP = "dit ce qu'il reste à faire sur ce poste, sans rien envoyer"

_MARKS = {"FAIL": "✗", "UNKNOWN": "?", "PASS": "✓"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="écrit les verdicts en JSON")
    parser.add_argument("--html", type=Path, metavar="FICHIER", help="écrit aussi une page pour la direction")


def run(options: argparse.Namespace) -> ExitCode:
    """Scan without the line, which no rule for one machine looks at, and write the verdicts on stdout."""
    from dataclasses import asdict

    from prerequis_agent.advice import advise, light
    from prerequis_agent.progress import progress_on
    from prerequis_agent.remaining import remaining
    from prerequis_agent.spool import Spool
    from prerequis_agent.survey import survey

    state = State(options.state)
    names = frozenset(probe_names()) - {"line"}
    report = survey(state, names, progress_on(sys.stderr), sys.stderr.write, attended=True)
    enrolled = state.is_enrolled
    advice = advise(report, state.enrolment().finess if enrolled else "", state.cache if enrolled else None)
    colour, to_do = light(advice), remaining(state, report, len(Spool(state.spool)))
    if options.json:
        verdicts = [{name: value for name, value in asdict(one).items() if name != "title"} for one in advice]
        document = {"light": colour.value, "verdicts": verdicts, "remaining": to_do}
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    else:
        lines = _lines(colour, advice, to_do, report)
        sys.stdout.writelines(f"{line}\n" for line in (_wrapped(lines) if sys.stdout.isatty() else lines))
    if options.html:  # last: the person has read the advice where the page cannot be written
        _write_page(options.html, state, report, colour, advice, to_do)
    return ExitCode.DONE


def _write_page(
    path: Path, state: State, report: "Report", colour: "Light", advice: "Sequence[Advice]", to_do: "Sequence[str]"
) -> None:
    from datetime import UTC

    from prerequis.os_errors import why
    from prerequis_agent.advice_page import page
    from prerequis_agent.errors import ConfigurationError

    site = state.enrolment().site if state.is_enrolled else ""
    seen_at = report.collected_at.ToDatetime(UTC).astimezone()
    try:
        path.write_text(page(report.workstation.hostname, site, seen_at, colour, advice, to_do), encoding="utf-8")
    except OSError as problem:
        raise ConfigurationError(f"La page {path} ne peut pas être écrite ({why(problem)}).") from None


def _wrapped(lines: "Sequence[str]") -> "Iterator[str]":
    """Yield the lines as the terminal shows them, each hanging under its first word."""
    import shutil
    import textwrap

    width = min(shutil.get_terminal_size().columns, 110)
    for line in lines:
        margin = " " * (len(line) - len(line.lstrip()) + 2)
        yield from textwrap.wrap(line, width, subsequent_indent=margin, break_on_hyphens=False)


def _lines(colour: "Light", advice: "Sequence[Advice]", to_do: "Sequence[str]", report: "Report") -> "Sequence[str]":
    from prerequis_agent.advice_page import LEVELS, LIGHTS

    shown = [one for one in advice if one.verdict in _MARKS]
    failed = [one for one in shown if one.verdict == "FAIL"]
    unknown = [one for one in shown if one.verdict == "UNKNOWN"]
    met = len(shown) - len(failed) - len(unknown)
    _, word, sentence = LIGHTS[colour]
    lines = [
        f"{word.upper()} : {sentence}",
        f"À corriger : {len(failed)}. Non vérifié : {len(unknown)}. Conforme : {met}.",
    ]
    for one in shown:
        level = f" ({LEVELS[one.level]})" if one.verdict != "PASS" else ""
        lines.append(f"  {_MARKS[one.verdict]} {one.title}{level}")
        if one.observed:
            lines.append(f"      vu : {one.observed}")
        if one.verdict == "FAIL":
            lines.append(f"      à faire : {one.remedy}")
    unseen = [f"  {run.name} : {run.detail}" for run in report.probes if run.detail]
    if unseen:
        lines += ["Ce qui n'a pas pu être vu :", *unseen]
    if to_do:
        lines += ["À faire avant de quitter le site :", *(f"  {number}. {one}" for number, one in enumerate(to_do, 1))]
    return lines
