"""Reads whom a Windows security descriptor allows, in its self-relative form ([MS-DTYP] 2.4.6)."""

import struct
from dataclasses import dataclass

from prerequis_agent.errors import ParseError

_ACL_PRESENT = 0x0004
_ALLOW = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """An entry that allows; the SID stays on the machine."""

    sid: str
    mask: int


def parse_allowances(content: bytes) -> list[Allowance] | None:
    """Return the entries that allow, or None for a null list, which allows everything to everyone.

    Raises ParseError when the bytes have another form.
    """
    try:
        control, offset = struct.unpack_from("<2xH12xI", content)
        if not control & _ACL_PRESENT or not offset:
            return None
        (count,) = struct.unpack_from("<4xH", content, offset)
        place = offset + 8
        found = []
        for _ in range(count):
            kind, size, mask = struct.unpack_from("<BxHI", content, place)
            if kind == _ALLOW:
                found.append(Allowance(_sid(content, place + 8), mask))
            place += size
    except struct.error:
        raise ParseError("Les droits d'un partage n'ont pas la forme attendue.") from None
    return found


def _sid(content: bytes, place: int) -> str:
    revision, count = struct.unpack_from("<BB", content, place)
    authority = int.from_bytes(content[place + 2 : place + 8], "big")
    parts = struct.unpack_from(f"<{count}I", content, place + 8)
    return "-".join(map(str, ("S", revision, authority, *parts)))
