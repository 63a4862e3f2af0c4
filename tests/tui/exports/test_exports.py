"""What a spreadsheet makes of the exported needs."""

from __future__ import annotations

import csv
import io
import shutil
import stat
import subprocess
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1 import ordering_pb2
from prerequis_tui.exports.cells import safe
from prerequis_tui.exports.needs import NOT_MEASURED, needs_table, not_measured_table
from prerequis_tui.exports.table import csv_content, xlsx_content

if TYPE_CHECKING:
    from tests.tui.conftest import Collector, Run

# What an importer cannot keep: lone surrogates are no text, and XML has no place for most control characters.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
STARTS = ["=", "+", "-", "@", "\t", "\r", " =", "\n=", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
HEADERS = needs_table(ordering_pb2.ListNeedsResponse()).headers
NASTY = st.one_of(TEXTS, st.tuples(st.sampled_from(STARTS), TEXTS).map("".join))


@st.composite
def needs(draw: st.DrawFn) -> ordering_pb2.ListNeedsResponse:
    """Return needs whose texts are as hostile as can be."""
    quantities = st.integers(0, 2**40)
    lines = [
        ordering_pb2.NeedLine(
            finess=draw(st.from_regex(r"[0-9][0-9AB][0-9]{7}", fullmatch=True)),
            site_name=draw(NASTY),
            item=draw(NASTY),
            item_name=draw(NASTY),
            certain=draw(quantities),
            possible=draw(st.none() | quantities),
            ordered=draw(quantities),
            to_order=draw(quantities),
            deadline=draw(st.none() | st.integers(1, 4_000_000_000).map(lambda at: Timestamp(seconds=at))),
            reasons=draw(st.lists(NASTY, max_size=3)),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    return ordering_pb2.ListNeedsResponse(lines=lines, sites_not_measured=draw(st.lists(NASTY, max_size=3)))


def as_csv(given_needs: ordering_pb2.ListNeedsResponse) -> bytes:
    return csv_content(needs_table(given_needs, not_measured=True))


def as_workbook(given_needs: ordering_pb2.ListNeedsResponse) -> bytes:
    return xlsx_content(needs_table(given_needs), not_measured_table(given_needs))


def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


@given(NASTY)
def test_no_text_is_left_that_a_spreadsheet_would_run(text: str) -> None:
    kept = safe(text)
    assert not kept.lstrip().startswith(tuple(STARTS))
    assert kept == "" or kept.isprintable()


@given(st.from_regex(r"[0-9][0-9AB][0-9]{7}", fullmatch=True))
def test_a_finess_is_left_as_it_is(finess: str) -> None:
    assert safe(finess) == finess


@given(needs())
def test_a_csv_has_one_line_for_each_need_and_site_not_measured(
    given_needs: ordering_pb2.ListNeedsResponse,
) -> None:
    rows = _rows(as_csv(given_needs))
    assert rows[0] == list(HEADERS)
    assert {len(row) for row in rows} == {len(HEADERS)}
    lines = rows[1 : 1 + len(given_needs.lines)]
    assert [row[0] for row in lines] == [line.finess for line in given_needs.lines]
    assert [row[4] for row in lines] == [str(line.certain) for line in given_needs.lines]
    assert all(row[-1] == NOT_MEASURED and row[4] == "" for row in rows[1 + len(given_needs.lines) :])
    assert len(rows) == 1 + len(given_needs.lines) + len(given_needs.sites_not_measured)


@given(needs())
def test_an_unbounded_quantity_is_never_zero_nor_empty(given_needs: ordering_pb2.ListNeedsResponse) -> None:
    for line, row in zip(given_needs.lines, _rows(as_csv(given_needs))[1:], strict=False):
        assert row[5] == (str(line.possible) if line.HasField("possible") else "non connu")


def test_a_csv_opens_in_a_french_spreadsheet(sample: ordering_pb2.ListNeedsResponse) -> None:
    content = as_csv(sample)
    assert content.startswith(b"\xef\xbb\xbfFINESS;Site;")
    assert content.count(b"\n") == content.count(b"\r\n") == 5
    assert b"590000001;EHPAD Les Tilleuls;smartcard-reader;" in content
    assert b";2;5;1;1;01/03/2027;" in content


def test_a_workbook_keeps_texts_as_texts_numbers_as_numbers_and_dates_as_dates(
    sample: ordering_pb2.ListNeedsResponse,
) -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_workbook(sample)))
    assert book.sheetnames == ["Besoins", "Sites non mesurés"]
    sheet = book["Besoins"]
    first, second = ([cell.value for cell in row] for row in sheet.iter_rows(min_row=2, max_row=3))
    assert first[0] == "590000001"
    assert first[4:9] == [2, 5, 1, 1, datetime(2027, 3, 1)]  # a spreadsheet's dates have no zone
    assert second[5] == "non connu"
    assert sheet["A2"].number_format == "@"
    assert sheet["I2"].number_format == "dd/mm/yyyy"
    assert book["Sites non mesurés"]["A2"].value == "590000002"


@given(needs())
def test_no_cell_of_a_workbook_is_a_formula(given_needs: ordering_pb2.ListNeedsResponse) -> None:
    book = openpyxl.load_workbook(io.BytesIO(as_workbook(given_needs)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert book["Besoins"].max_row == 1 + len(given_needs.lines)


async def test_csv_goes_to_standard_output_by_default(park: Collector, run: Run) -> None:
    ended = await run("needs", "--format", "csv")
    assert (ended.code, ended.err) == (0, "")
    assert _rows(ended.raw)[0] == list(HEADERS)


async def test_a_workbook_is_written_where_it_was_asked_for(park: Collector, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "besoins.xlsx"
    ended = await run("needs", "--out", str(path))
    assert ended.out == f"{path} écrit : 3 lignes, 1 site non mesuré.\n"
    assert openpyxl.load_workbook(path)["Besoins"].max_row == 4
    assert stat.S_IMODE(path.stat().st_mode) & 0o400
    assert [one.name for one in tmp_path.iterdir() if "besoins" in one.name] == ["besoins.xlsx"]


async def test_a_file_is_never_replaced_without_being_asked(park: Collector, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "besoins.csv"
    path.write_text("à garder")
    refused = await run("needs", "--out", str(path))
    assert (refused.code, refused.out, path.read_text()) == (2, "", "à garder")
    assert "--force" in refused.err
    assert (await run("needs", "--out", str(path), "--force")).code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbfFINESS")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "xlsx"),
        ("--out", "besoins.pdf"),
        ("--json", "--format", "csv"),
        ("--out", "/nulle/part/besoins.csv"),
    ],
)
async def test_what_cannot_be_written_is_wrong_input(park: Collector, run: Run, arguments: tuple[str, ...]) -> None:
    ended = await run("needs", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("name", ["besoins.csv", "besoins.xlsx"])
def test_libreoffice_reads_what_was_written(sample: ordering_pb2.ListNeedsResponse, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(as_csv(sample) if path.suffix == ".csv" else as_workbook(sample))
    # 59 is the semicolon, 34 the quote, 76 UTF-8; without the filter a headless conversion expects commas.
    reading = ["--infilter=CSV:59,34,76"] if path.suffix == ".csv" else []
    writing = "csv:Text - txt - csv (StarCalc):59,34,76"
    home = f"-env:UserInstallation=file://{tmp_path}/profil"
    subprocess.run(
        ["soffice", "--headless", home, *reading, "--convert-to", writing, "--outdir", str(tmp_path / "lu"), str(path)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    rows = _rows((tmp_path / "lu" / "besoins.csv").read_bytes())
    assert rows[0][:2] == ["FINESS", "Site"]
    assert rows[1][0] == "590000001"
    # What it shows of a date depends on its own language; a date it is.
    assert rows[1][8] in ("01/03/2027", "01/03/27")
    assert rows[2][5] == "non connu"
