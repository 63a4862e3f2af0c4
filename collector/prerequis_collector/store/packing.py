"""How the bytes of a report are kept: zlib, primed with what the reports of other machines say.

A report is too short to compress well by itself. Primed it takes half of that, and three or four share a page of SQLite
which one would fill. `packing.dictionary` holds the facts of nine machines of tests/fixtures/hosts/whole, one after
another, those of Windows last. A stream names the dictionary that it needs by its Adler-32 (RFC 1950), so that file is
never changed: a better one comes beside it.
"""

import zlib
from functools import cache
from importlib import resources

# A higher level takes longer to save a fiftieth; a larger window, three times as long.
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 1, 14, 7


def packed(body: bytes) -> bytes:
    """Return the bytes as they are kept."""
    packer = _primed().copy()
    return packer.compress(body) + packer.flush()


def unpacked(kept: bytes) -> bytes:
    """Return what was packed, or compressed by zlib without a dictionary; raises zlib.error when it is damaged."""
    unpacker = zlib.decompressobj(zdict=_dictionary())
    body = unpacker.decompress(kept)
    if not unpacker.eof:
        raise zlib.error("incomplete stream")
    return body


@cache
def _primed() -> "zlib._Compress":
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, _dictionary())


@cache
def _dictionary() -> bytes:
    return resources.files("prerequis_collector.store").joinpath("packing.dictionary").read_bytes()
