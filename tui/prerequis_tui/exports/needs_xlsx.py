"""Needs as an XLSX workbook: typed cells, so that a FINESS stays a text and a date stays a date."""

import io
from datetime import UTC, datetime

import xlsxwriter  # type: ignore[import-untyped]  # it ships no types
from google.protobuf.timestamp_pb2 import Timestamp

from prerequis.v1 import ordering_pb2
from prerequis_tui.exports.cells import HEADERS, row, safe

NEEDS_SHEET, NOT_MEASURED_SHEET = "Besoins", "Sites non mesurés"

_WIDTHS = (12, 32, 24, 36, 9, 10, 11, 12, 12, 80)
_DEADLINE = HEADERS.index("Échéance")


def content(needs: ordering_pb2.ListNeedsResponse) -> bytes:
    """Return the workbook: the needs, and the sites whose needs are not known."""
    file = io.BytesIO()
    # Texts are never read as formulas or links, whatever they begin with.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(file, options)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    text = book.add_format({"num_format": "@"})
    date = book.add_format({"num_format": "dd/mm/yyyy"})

    sheet = book.add_worksheet(NEEDS_SHEET)
    sheet.freeze_panes(1, 2)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    sheet.write_row(0, 0, HEADERS, bold)
    for number, line in enumerate(needs.lines, start=1):
        for column, cell in enumerate(row(line)):
            if column == _DEADLINE:
                if line.HasField("deadline"):
                    sheet.write_datetime(number, column, _date(line.deadline), date)
            elif isinstance(cell, str):
                sheet.write_string(number, column, cell, text)
            else:
                sheet.write_number(number, column, cell)
    sheet.autofilter(0, 0, max(len(needs.lines), 1), len(HEADERS) - 1)

    missing = book.add_worksheet(NOT_MEASURED_SHEET)
    missing.set_column(0, 0, 14)
    missing.set_column(1, 1, 60)
    missing.write_row(0, 0, ("FINESS", "Ce que cela veut dire"), bold)
    for number, finess in enumerate(needs.sites_not_measured, start=1):
        missing.write_string(number, 0, safe(finess), text)
        missing.write_string(number, 1, "Rien n'y a été mesuré : ses besoins ne sont pas connus.")
    book.close()
    return file.getvalue()


def _date(deadline: Timestamp) -> datetime:
    """Return the day as spreadsheets keep it, without a time zone."""
    return deadline.ToDatetime(tzinfo=UTC).replace(tzinfo=None)
