"""What `prerequis line` and `prerequis lines` say, to people, to programs and to spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest
from tests.tui.lines import FIRST_DAY, NOT_MEASURED, SLOW, measurement, slow

from prerequis.v1.line_review_pb2 import GetLineResponse, LineSummary
from prerequis_tui import line_words
from prerequis_tui.exports.table import Table, csv_content
from prerequis_tui.widgets.measurement_list import headings

if TYPE_CHECKING:
    from tests.tui.conftest import Collector, Run


@pytest.fixture
def measured(collector: Collector) -> Collector:
    collector.kept.lines = {"590000001": slow()}
    for summary in (FIRST_DAY, NOT_MEASURED):
        collector.kept.lines[summary.finess] = GetLineResponse(summary=summary)
    return collector


async def test_a_line_says_what_it_carries_in_both_units_and_what_to_order(measured: Collector, run: Run) -> None:
    shown = (await run("line", "590000001")).out
    for text in (
        "EHPAD Les Tilleuls  590000001  ✘ Trop lente",
        "7,5 Mbit/s (938 Ko/s)",
        "Besoin        20,0 Mbit/s (2\u202f500 Ko/s)",
        "Elle porte    3 utilisateurs à la fois",
        "trois fois sur quatre aux heures de pointe de 9 jours (22 mesures)",
        "commander une ligne d'au moins 20,0 Mbit/s (2\u202f500 Ko/s) en réception",
        "Écartées      2 mesures de deux postes à la fois, 3 mesures pour une autre raison",
        "pointe",
        "≥ 25,0",
        "deux postes à la fois",
    ):
        assert text in shown


def test_a_new_line_must_reach_the_need_in_each_direction_that_the_profile_asks_for() -> None:
    both = LineSummary(upgrade_bits_per_second=20e6, down_need_bits_per_second=20e6, up_need_bits_per_second=20e6)
    assert line_words.to_do(both).endswith("20,0 Mbit/s (2\u202f500 Ko/s) dans chaque sens")


def test_what_does_not_count_is_told_with_its_reason_and_nothing_when_all_does() -> None:
    assert line_words.set_aside(LineSummary()) == ""
    assert line_words.set_aside(LineSummary(discarded=1)) == "1 mesure (la colonne « Compte » dit pourquoi)"


def test_the_terminal_ui_tells_of_a_line_hour_by_hour_and_of_what_does_not_count() -> None:
    told = [heading.text for heading in headings(slow())]
    assert told[0] == "✘ Trop lente ; besoin 20,0 Mbit/s ; 3 utilisateurs à la fois"
    assert "Reçoit par heure, en Mbit/s : 8 h (pointe) 7,1 ; 11 h 14,2" in told
    assert "Écartées : 2 mesures de deux postes à la fois, 3 mesures pour une autre raison" in told


async def test_a_line_that_was_not_measured_tells_what_to_do(measured: Collector, run: Run) -> None:
    shown = (await run("line", "590000003")).out
    assert "Non mesurée" in shown
    assert "prerequis-agent measure" in shown


async def test_few_of_many_measurements_are_printed_and_the_rest_is_said(measured: Collector, run: Run) -> None:
    measured.kept.lines["590000001"] = GetLineResponse(summary=SLOW, measurements=[measurement(n) for n in range(25)])
    assert "et 5 de plus" in (await run("line", "590000001")).out


async def test_lines_are_listed_for_people(measured: Collector, run: Run) -> None:
    rows = (await run("lines")).out.splitlines()
    assert rows[1].split() == ["590000001", "EHPAD", "Les", "Tilleuls", "✘", "Trop", "lente", "7,5", "0,8", "20,0", "3"]
    assert "≥ 25,0" in rows[2]
    assert "au moins 12" in rows[2]
    assert rows[3].split()[-4:] == ["–", "–", "–", "–"]


async def test_what_is_not_known_of_a_line_is_null(measured: Collector, run: Run) -> None:
    listed = json.loads((await run("lines", "--json")).out)
    assert listed["total"] == 3
    slow_, first, unknown = listed["lines"]
    assert (slow_["downBitsPerSecond"], slow_["upgradeBitsPerSecond"], slow_["users"]) == (7.5e6, 20e6, 3)
    assert (first["provisional"], first["downAtLeast"], first["upBitsPerSecond"]) == (True, True, None)
    assert {unknown[key] for key in ("downBitsPerSecond", "users", "lastMeasured", "provisional")} == {None}


async def test_a_line_in_json_has_every_measurement_with_why_it_does_not_count(measured: Collector, run: Run) -> None:
    line = json.loads((await run("line", "590000001", "--json")).out)
    assert [one["discard"] for one in line["measurements"]] == [None, "CONTENDED", None]
    assert [one["counts"] for one in line["measurements"]] == [True, False, True]
    assert line["measurements"][0]["result"]["down"]["stop"] == "PROVEN"
    assert [hour["hour"] for hour in line["hours"]] == [8, 11]


async def test_an_etat_des_lieux_is_a_workbook_of_typed_cells(measured: Collector, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lignes.xlsx"
    ended = await run("lines", "--out", str(path))
    assert (ended.code, ended.out) == (0, f"{path} écrit : 3 sites.\n")
    sheet = openpyxl.load_workbook(path)["Lignes"]
    rows = list(sheet.iter_rows(values_only=True))
    headers = rows[0]
    first = dict(zip(headers, rows[1], strict=True))
    assert first["FINESS"] == "590000001"
    assert (first["Réception (Mbit/s)"], first["Réception (Ko/s)"]) == (7.5, 938)
    assert (first["État"], first["Nouvelle ligne : au moins (Mbit/s)"]) == ("Trop lente", 20)
    assert rows[2][1] == '\'=HYPERLINK("x") SESSAD'
    assert rows[3][3] is None


async def test_a_history_is_a_csv_for_a_french_spreadsheet(measured: Collector, run: Run) -> None:
    ended = await run("line", "590000001", "--format", "csv")
    rows = list(csv.reader(io.StringIO(ended.raw.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert len(rows) == 4
    first = dict(zip(rows[0], rows[1], strict=True))
    assert first["Heure du site"] == "20/11/2026 08:12"
    assert (first["Réception (Mbit/s)"], first["Réception (Ko/s)"], first["Délai (ms)"]) == ("25", "3125", "40")
    assert (first["Compte"], dict(zip(rows[0], rows[2], strict=True))["Compte"]) == ("compte", "deux postes à la fois")


@pytest.mark.parametrize(
    "arguments",
    [["--json", "--format", "csv"], ["--format", "xlsx"], ["--out", "lignes.pdf"]],
)
async def test_a_form_that_cannot_be_written_is_refused_before_the_collector_is_asked(
    measured: Collector, run: Run, arguments: list[str]
) -> None:
    assert (await run("lines", *arguments)).code == 2


async def test_a_file_is_replaced_only_when_that_is_asked(measured: Collector, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lignes.csv"
    path.write_text("précieux")
    assert (await run("lines", "--out", str(path))).code == 2
    assert path.read_text() == "précieux"
    assert (await run("lines", "--out", str(path), "--force")).code == 0
    assert "590000001" in path.read_text()


def test_a_figure_without_decimals_has_none_and_what_is_not_known_is_an_empty_cell() -> None:
    table = Table("x", ("a", "b", "c", "d"), (1, 1, 1, 1), [(1.5, 2.0, None, "=1")])
    assert csv_content(table).decode("utf-8-sig").splitlines()[1] == "1,5;2;;'=1"


def test_a_line_is_enough_only_when_every_direction_that_counts_is() -> None:
    summary = type(SLOW)()
    summary.CopyFrom(SLOW)
    summary.ClearField("upgrade_bits_per_second")
    summary.measures.down_bits_per_second = 25e6
    assert line_words.state(summary).text == "Suffisante"
    summary.up_need_bits_per_second = 20e6
    assert line_words.state(summary).text == "À confirmer"
    summary.ClearField("down_need_bits_per_second")
    assert line_words.state(summary).text == "Besoin non connu"
