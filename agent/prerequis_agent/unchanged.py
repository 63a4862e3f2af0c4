"""Whether a report tells anything that the last one did not, so that what has not changed is not sent again."""

from datetime import timedelta

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from prerequis.v1.report_pb2 import Report
from prerequis_agent.config import State

LONGEST = timedelta(days=7)
"""After so long everything is told again, changed or not."""

MOST_DRIFT = timedelta(days=3)
"""How far a moment in the facts, such as the date of the antivirus signatures, may move before it is told: what is
judged by its age must not look old because nobody said that it is young again."""

MOST_FREE_DRIFT_BYTES = 1024**3
"""How far the free space of a disk may move before it is told."""

_DISTANCES = {"system_volume_free_bytes": MOST_FREE_DRIFT_BYTES}
"""Numbers that move by themselves, each with how far it may."""

_RATES = ("down_bits_per_second", "up_bits_per_second")


def acknowledged(state: State) -> Report | None:
    """Return the last report that the collector took; None when there is none or its file is damaged."""
    try:
        return Report.FromString(state.acknowledged.read_bytes())
    except (OSError, DecodeError):
        return None


def is_unchanged(kept: Report, report: Report) -> bool:
    """Return whether a report says of the machine what the kept one says.

    Durations, rates and the cost of the scan are measured anew each time and count for nothing, unless one is known
    that was not.
    """
    age = report.collected_at.ToDatetime() - kept.collected_at.ToDatetime()
    if not timedelta() <= age < LONGEST:
        return False
    (before, moves_before), (after, moves_after) = _settled(kept), _settled(report)
    return before == after and all(
        abs(one - other) <= most for (one, most), (other, _) in zip(moves_before, moves_after, strict=True)
    )


def _settled(report: Report) -> tuple[Report, list[tuple[int, int]]]:
    """Return a copy without what moves by itself, and what moved, in order, each with how far it may."""
    copy = Report()
    copy.CopyFrom(report)
    copy.ClearField("cost")
    copy.origin.ClearField("number")
    if copy.facts.HasField("line"):
        # Each measurement goes to the collector with its lease: here only counts whether there is a rate.
        line: Message = copy.facts.line
        for field, _ in line.ListFields():
            if field.name not in _RATES:
                line.ClearField(field.name)
    copy.collected_at.Clear()
    moving: list[tuple[int, int]] = []
    _settle(copy, moving)
    return copy, moving


def _settle(message: Message, moving: list[tuple[int, int]]) -> None:
    for field, value in message.ListFields():
        if field.message_type:
            for part in [value] if isinstance(value, Message) else value:
                if isinstance(part, Timestamp):
                    moving.append((part.ToSeconds(), int(MOST_DRIFT.total_seconds())))
                    part.Clear()
                else:
                    _settle(part, moving)
        elif field.name in _DISTANCES:
            moving.append((value, _DISTANCES[field.name]))
            setattr(message, field.name, 0)
        elif field.type == FieldDescriptor.TYPE_DOUBLE:
            # Zero, not absent: whether it is known stays to be compared.
            setattr(message, field.name, 0.0)
