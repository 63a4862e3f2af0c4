"""Tables as wide as the terminal that shows them."""

import io

from rich.console import Console

from prerequis_tui.printed.table import Column, Table

COLUMNS: tuple[Column[str], ...] = (
    Column("SITE", lambda row: row, least=8),
    Column("SCORE", lambda _: "62 %", 6, right=True),
    Column("VU LE", lambda _: "22/11/2026", from_width=60),
)
ROWS = ["EHPAD Les Tilleuls de la Vallée", "SAVS"]


def shown(width: int, *, terminal: bool) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal)
    table = Table(COLUMNS, ROWS, console, indent=1)
    return [line.plain for line in (table.heading(), *map(table.line, ROWS))]


def test_a_narrow_terminal_has_no_column_of_less_weight_and_long_names_are_cut() -> None:
    assert shown(30, terminal=True) == [
        " SITE                    SCORE",
        " EHPAD Les Tilleuls d…    62 %",
        " SAVS                     62 %",
    ]
    assert shown(60, terminal=True)[1] == " EHPAD Les Tilleuls de la Vallée    62 %  22/11/2026"


def test_a_name_is_never_cut_below_what_it_needs_to_be_known_by() -> None:
    assert shown(5, terminal=True)[1] == " EHPAD L…    62 %"


def test_a_program_gets_everything_whole() -> None:
    assert shown(5, terminal=False)[1] == " EHPAD Les Tilleuls de la Vallée    62 %  22/11/2026"
