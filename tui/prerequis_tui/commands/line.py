"""`prerequis line`: what a site's line carries, and every measurement of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_json, write_json
from prerequis_tui.exports.choice import add_export, chosen, write_export

if TYPE_CHECKING:
    from prerequis.v1 import line_review_pb2
    from prerequis_tui.client import Client

HELP = "montre ce que porte la ligne d'un site et l'historique de ses mesures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("finess", metavar="FINESS", help="numéro FINESS du site")
    parser.add_argument("--days", type=_days, default=0, metavar="N", help="mesures des N derniers jours (défaut : 28)")
    add_json(parser)
    add_export(parser)


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} n'est pas un nombre de jours")
    return int(text)


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write the line in the form that was asked for."""
    form = chosen(options)
    line = await client.line(options.finess, options.days)
    if options.json:
        write_json(document(line), out)
    elif form:
        from prerequis_tui import wording
        from prerequis_tui.exports.lines import measurements_table

        said = wording.count(len(line.measurements), "mesure")
        write_export(options, form, said, out, measurements_table(line))
    else:
        from prerequis_tui.printed.line import print_line

        print_line(line, out)
    return ExitCode.DONE


def document(line: line_review_pb2.GetLineResponse) -> dict[str, object]:
    """Return the line as scripts read it; what is not known is null."""
    return {
        **summary(line.summary),
        "hours": [
            {
                "hour": hour.hour,
                "busy": hour.busy,
                "results": hour.results,
                "downBitsPerSecond": hour.down_bits_per_second if hour.HasField("down_bits_per_second") else None,
                "upBitsPerSecond": hour.up_bits_per_second if hour.HasField("up_bits_per_second") else None,
                "rttSeconds": hour.rtt_seconds if hour.HasField("rtt_seconds") else None,
            }
            for hour in line.hours
        ],
        "measurements": [_measurement(one) for one in line.measurements],
    }


def summary(line: line_review_pb2.LineSummary) -> dict[str, object]:
    """Return what a site's line carries, as scripts read it."""
    from prerequis_tui import wording

    measures = line.measures
    return {
        "finess": line.finess,
        "name": line.name,
        "downBitsPerSecond": measures.down_bits_per_second if measures.HasField("down_bits_per_second") else None,
        "downAtLeast": measures.down_censored if measures.HasField("down_censored") else None,
        "upBitsPerSecond": measures.up_bits_per_second if measures.HasField("up_bits_per_second") else None,
        "upAtLeast": measures.up_censored if measures.HasField("up_censored") else None,
        "rttSeconds": measures.rtt_seconds if measures.HasField("rtt_seconds") else None,
        "provisional": measures.line_provisional if measures.HasField("line_provisional") else None,
        "busyDays": measures.line_days,
        "results": measures.line_results,
        "contentions": line.contentions,
        "discarded": line.discarded,
        "needBitsPerSecond": line.down_need_bits_per_second if line.HasField("down_need_bits_per_second") else None,
        "upNeedBitsPerSecond": line.up_need_bits_per_second if line.HasField("up_need_bits_per_second") else None,
        "userBitsPerSecond": line.user_bits_per_second if line.HasField("user_bits_per_second") else None,
        "users": line.users if line.HasField("users") else None,
        "usersAtLeast": line.users_at_least if line.HasField("users") else None,
        "upgradeBitsPerSecond": line.upgrade_bits_per_second if line.HasField("upgrade_bits_per_second") else None,
        "lastMeasured": wording.iso(line.last_measured),
    }


def _measurement(one: line_review_pb2.LineMeasurement) -> dict[str, object]:
    from google.protobuf import json_format

    from prerequis.v1.line_pb2 import LineMethod
    from prerequis.v1.line_review_pb2 import LineMeasurement
    from prerequis_tui import wording

    return {
        "workstation": one.workstation_id,
        "workstationName": one.workstation_name,
        "beganAt": wording.iso(one.began_at),
        "endedAt": wording.iso(one.ended_at),
        "localTime": one.local_time,
        "method": LineMethod.Name(one.method),
        "attended": one.attended,
        "busyHour": one.busy_hour,
        "bytes": one.bytes,
        "counts": not one.HasField("discard"),
        "discard": LineMeasurement.Discard.Name(one.discard) if one.HasField("discard") else None,
        "result": json_format.MessageToDict(one.result) if one.HasField("result") else None,
    }
