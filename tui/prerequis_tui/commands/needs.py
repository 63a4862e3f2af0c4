"""`prerequis needs`: what to order, for people, for scripts and for spreadsheets."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_json, write_json
from prerequis_tui.exports.choice import add_export, chosen, write_export

if TYPE_CHECKING:
    import argparse

    from prerequis.v1 import ordering_pb2
    from prerequis_tui.client import Client

HELP = "dit quoi commander, par site et par article"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--site", metavar="FINESS", default="", help="un seul site (défaut : tous)")
    add_json(parser)
    add_export(parser)


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write the needs in the form that was asked for."""
    form = chosen(options)
    needs = await client.needs(options.site)
    if options.json:
        write_json(document(needs), out)
    elif form:
        from prerequis_tui import wording
        from prerequis_tui.exports.needs import needs_table, not_measured_table

        lines = wording.count(len(needs.lines), "ligne")
        missing = wording.count(len(needs.sites_not_measured), "site non mesuré", "sites non mesurés")
        tables = needs_table(needs, not_measured=form == "csv"), not_measured_table(needs)
        write_export(options, form, f"{lines}, {missing}", out, *tables)
        if needs.being_judged:
            # On stdout only beside a file: there it would be a line of the table.
            told = sys.stderr if options.out is None else out
            told.write(f"{wording.being_judged(needs.being_judged)} : relancer dans un instant.\n")
    else:
        from prerequis_tui.printed.needs import print_needs

        print_needs(needs, out)
    return ExitCode.DONE


def document(needs: ordering_pb2.ListNeedsResponse) -> dict[str, object]:
    """Return the needs as scripts read them; `possible` is null when no upper bound can be given."""
    from prerequis_tui import wording

    return {
        "lines": [
            {
                "finess": line.finess,
                "item": line.item,
                "certain": line.certain,
                "possible": line.possible if line.HasField("possible") else None,
                "ordered": line.ordered,
                "toOrder": line.to_order,
                "deadline": wording.iso_day(line.deadline),
                "reasons": list(line.reasons),
            }
            for line in needs.lines
        ],
        "notMeasured": {"sites": list(needs.sites_not_measured)},
        "beingJudged": needs.being_judged,
    }
