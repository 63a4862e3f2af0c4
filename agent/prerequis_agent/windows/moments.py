"""The forms in which Windows writes a moment, as UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone

from prerequis_agent.errors import ParseError

_CIM = re.compile(r"([0-9]{14})\.[0-9*]{6}([+-][0-9]{3})")
_FILETIME_BEGINS = datetime(1601, 1, 1, tzinfo=UTC)


def parse_cim_datetime(text: str) -> datetime:
    """Return the moment of a CIM date and time, `yyyymmddHHMMSS.mmmmmmsUUU` with the offset in minutes (DMTF DSP0004).

    Raises ParseError on another form.
    """
    parts = _CIM.fullmatch(text)
    try:
        if parts:
            zone = timezone(timedelta(minutes=int(parts[2])))
            return datetime.strptime(parts[1], "%Y%m%d%H%M%S").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ParseError("Windows donne une date illisible.")


def parse_filetime(content: bytes) -> datetime:
    """Return the moment of a FILETIME, little-endian steps of 100 ns since 1601; raises ParseError on another form."""
    ticks = int.from_bytes(content, "little")
    try:
        if len(content) == 8 and ticks:
            return _FILETIME_BEGINS + timedelta(microseconds=ticks // 10)
    except OverflowError:
        pass
    raise ParseError("Windows donne une date illisible.")


def parse_iso(text: str) -> datetime:
    """Return the moment of an ISO 8601 text such as 2026-11-30T08:00:00Z; raises ParseError on another form."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParseError("Windows donne une date illisible.") from None
