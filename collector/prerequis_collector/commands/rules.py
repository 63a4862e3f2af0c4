"""`rules check`: compile every expression, run every case, map every requirement."""

import argparse
import json
import sys
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis_collector.errors import InvalidInput
from prerequis_collector.listing import count
from prerequis_rules.check import CheckReport, check_pack

HELP = "vérifie les règles"


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    check = actions.add_parser("check", help="vérifie chaque règle, chaque exemple, chaque référentiel")
    check.add_argument("directory", nargs="?", type=Path, metavar="DOSSIER", help="règles propres, ajoutées aux autres")
    check.add_argument("--json", action="store_true", help="un document JSON sur la sortie standard")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print what was found; a fault gives FINDING. Raises InvalidInput."""
    if arguments.directory is not None and not arguments.directory.is_dir():
        raise InvalidInput(f"{arguments.directory} n'est pas un dossier : nommer celui des règles propres.")
    report = check_pack(arguments.directory)
    if arguments.json:
        sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n")
    else:
        _print(report)
    return ExitCode.DONE if report.ok else ExitCode.FINDING


def _print(report: CheckReport) -> None:
    for error in report.errors:
        sys.stderr.write(f"{error}\n")
    for warning in report.warnings:
        sys.stderr.write(f"Attention : {warning}\n")
    counted = (report.rules, "règle"), (report.cases, "exemple"), (len(report.errors), "erreur")
    sys.stdout.write(f"{', '.join(count(many, thing) for many, thing in counted)}\n")
    for name, coverage in report.frameworks.items():
        covered = coverage.requirements - len(coverage.uncovered)
        sys.stdout.write(f"{name} : {covered} exigences couvertes sur {coverage.requirements}\n")
