"""Reads a few settings of a dconf database, the file in GVDB form that keeps what a user chose in GNOME.

The form is that of gvdb-format.h of GLib; the values are GVariants (GLib, "GVariant Specification"), little-endian on
every machine that runs a desktop.
"""

import struct
from collections.abc import Iterator

from prerequis_agent.errors import ParseError

_SIGNATURE = b"GVariant"
_HEADER = struct.Struct("<8sIIII")
_TABLE = struct.Struct("<II")
_ITEM = struct.Struct("<IIIHcxII")
_BLOOM_WORDS = (1 << 27) - 1
_NO_PARENT = 0xFFFFFFFF
_VALUE = b"v"
# Deeper than any path of settings; a database that is damaged may go round in circles.
_DEEPEST = 64


def parse_gvdb(content: bytes, wanted: frozenset[str]) -> dict[str, str]:
    """Return the wanted settings as GVariant text (`uint32 300`, `true`) by path, those that are there.

    Raises ParseError when the file has another form.
    """
    try:
        return dict(_wanted(content, wanted))
    except (struct.error, IndexError, UnicodeDecodeError):
        raise ParseError("Une base dconf n'a pas la forme attendue.") from None


def _wanted(content: bytes, wanted: frozenset[str]) -> Iterator[tuple[str, str]]:
    signature, version, _, start, end = _HEADER.unpack_from(content)
    if signature != _SIGNATURE or version != 0:
        raise ParseError("Une base dconf n'a pas la forme attendue.")
    table = content[start:end]
    bloom_words, buckets = _TABLE.unpack_from(table)
    items = list(_ITEM.iter_unpack(table[_TABLE.size + 4 * ((bloom_words & _BLOOM_WORDS) + buckets) :]))

    def path(index: int, depth: int = 0) -> str:
        _, parent, key, length, _, _, _ = items[index]
        own = content[key : key + length].decode()
        return own if parent == _NO_PARENT or depth > _DEEPEST else path(parent, depth + 1) + own

    for index, (_, _, _, _, kind, value_start, value_end) in enumerate(items):
        if kind == _VALUE and (name := path(index)) in wanted:
            value = _text(content[value_start:value_end])
            if value is not None:
                yield name, value


def _text(variant: bytes) -> str | None:
    """Return a boolean or a number in a variant as text, or None for a value of another type."""
    value, _, kind = variant.rpartition(b"\0")
    if kind == b"b":
        return "true" if value == b"\1" else "false"
    if kind == b"u":
        return f"uint32 {struct.unpack('<I', value)[0]}"
    return str(struct.unpack("<i", value)[0]) if kind == b"i" else None
