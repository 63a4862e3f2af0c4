"""`prerequis lines`: what the line of every site carries, for a regional état des lieux."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_json, write_json
from prerequis_tui.exports.choice import add_export, chosen, write_export

if TYPE_CHECKING:
    import argparse

    from prerequis_tui.client import Client

HELP = "liste ce que porte la ligne de chaque site, pour un état des lieux"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_json(parser)
    add_export(parser)


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write the lines in the form that was asked for."""
    form = chosen(options)
    lines = await client.lines()
    if options.json:
        from prerequis_tui.commands.line import summary

        write_json({"total": len(lines), "lines": [summary(line) for line in lines]}, out)
    elif form:
        from prerequis_tui import wording
        from prerequis_tui.exports.lines import lines_table

        write_export(options, form, wording.count(len(lines), "site"), out, lines_table(lines))
    else:
        from prerequis_tui.printed.line import print_lines

        print_lines(lines, out)
    return ExitCode.DONE
