"""Tables as wide as the terminal that shows them."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from prerequis.v1.line_review_pb2 import LineSummary
from prerequis.v1.ordering_pb2 import NeedLine
from prerequis.v1.review_pb2 import SiteSummary
from prerequis_tui.printed import line, needs, sites
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
    return [one.plain for one in (table.heading(), *map(table.line, ROWS))]


def test_a_narrow_terminal_has_no_column_of_less_weight_and_long_names_are_cut() -> None:
    assert shown(30, terminal=True) == [
        " SITE                    SCORE",
        " EHPAD Les Tilleuls d…    62 %",
        " SAVS                     62 %",
    ]
    assert shown(60, terminal=True)[1] == " EHPAD Les Tilleuls de la Vallée    62 %  22/11/2026"


def test_a_name_is_never_cut_below_what_it_needs_to_be_known_by() -> None:
    assert shown(5, terminal=True)[1] == " EHPAD L…    62 %"


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize(
    ("columns", "row", "indent"),
    [
        (sites._COLUMNS, SiteSummary(finess="990000010", name="EHPAD Les Tilleuls de la Vallée" * 4), 0),
        (needs._COLUMNS, NeedLine(item_name="Lien Internet de secours (4G/5G ou seconde fibre)"), 2),
        (line._COLUMNS, LineSummary(finess="990000010", name="EHPAD Les Tilleuls de la Vallée" * 4), 0),
    ],
    ids=["sites", "needs", "lines"],
)
def test_the_lists_of_an_operator_fit_a_terminal_of_forty_columns(
    columns: Sequence[Column[object]], row: object, indent: int, width: int
) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True)
    table = Table(columns, [row], console, indent)
    assert max(len(table.heading().plain), len(table.line(row).plain)) <= width


def test_a_program_gets_everything_whole() -> None:
    assert shown(5, terminal=False)[1] == " EHPAD Les Tilleuls de la Vallée    62 %  22/11/2026"
