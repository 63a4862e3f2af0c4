"""`scan`: observe this machine and show what was seen; nothing is sent."""

import argparse
import sys

from prerequis.command_line import ExitCode
from prerequis_agent.config import State
from prerequis_agent.probes import probe_names

HELP = "observe ce poste et montre ce qui a été vu, sans rien envoyer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="écrit le rapport en JSON")
    parser.add_argument(
        "--only", choices=probe_names(), metavar="NOM", help=f"une seule sonde : {', '.join(probe_names())}"
    )
    parser.add_argument("--no-line", action="store_true", help="ne mesure pas la ligne")


def run(options: argparse.Namespace) -> ExitCode:
    """Scan and write the report on stdout."""
    from prerequis_agent.progress import progress_on
    from prerequis_agent.survey import survey

    names = {options.only} if options.only else set(probe_names())
    if options.no_line:
        names.discard("line")
    report = survey(State(options.state), frozenset(names), progress_on(sys.stderr), sys.stderr.write, attended=True)
    if options.json:
        from google.protobuf import json_format

        document = json_format.MessageToJson(report, always_print_fields_with_no_presence=True, ensure_ascii=False)
        sys.stdout.write(f"{document}\n")
    else:
        from prerequis_agent import summary

        sys.stdout.write(summary.text(report))
    return ExitCode.DONE
