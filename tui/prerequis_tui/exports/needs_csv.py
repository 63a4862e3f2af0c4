"""Needs as CSV for a French Excel or LibreOffice: semicolons, CRLF, UTF-8 with a byte order mark."""

import csv
import io

from prerequis.v1 import ordering_pb2
from prerequis_tui.exports.cells import HEADERS, row, safe

NOT_MEASURED = "Site non mesuré : besoins non connus"


def content(needs: ordering_pb2.ListNeedsResponse) -> bytes:
    """Return the file; sites that were not measured are lines of their own, with a reason and no quantity."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADERS)
    writer.writerows(row(line) for line in needs.lines)
    blank = [""] * (len(HEADERS) - 2)
    writer.writerows([safe(finess), *blank, NOT_MEASURED] for finess in needs.sites_not_measured)
    return text.getvalue().encode("utf-8-sig")
