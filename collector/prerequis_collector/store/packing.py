"""How the bytes of a report are kept: zstd, with what the reports of other machines say for a dictionary.

A report is too short to compress well by itself. With the dictionary it takes half of that, and three or four share a
page of SQLite which one would fill. `packing.zdict` holds the facts of nine machines of tests/fixtures/hosts/whole, one
after another, those of Windows last, and before them zstd's statistics of such reports. A frame names the dictionary
that it needs (RFC 8878, 3.1.1.1.3), so that file is never changed: a better one comes beside it.
"""

import sys
import zlib
from functools import cache
from importlib import resources

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# A higher level takes longer to save a fiftieth.
_OPTIONS: dict[int, int] = {zstd.CompressionParameter.compression_level: 1, zstd.CompressionParameter.checksum_flag: 1}
_FRAME = b"\x28\xb5\x2f\xfd"
"""What a zstd frame begins with (RFC 8878, 3.1.1)."""
_STATISTICS_BYTES = 150
"""Of the dictionary; zlib's was what follows them."""


class Damaged(Exception):
    """What was kept is not what was packed."""


def packed(body: bytes) -> bytes:
    """Return the bytes as they are kept."""
    return _compressor().compress(body, zstd.ZstdCompressor.FLUSH_FRAME)


def unpacked(kept: bytes) -> bytes:
    """Return what was packed, or compressed by zlib with or without its dictionary; raises Damaged."""
    unpacker: zstd.ZstdDecompressor | zlib._Decompress
    if kept.startswith(_FRAME):
        unpacker = zstd.ZstdDecompressor(_dictionary())
    else:
        unpacker = zlib.decompressobj(zdict=_dictionary().dict_content[_STATISTICS_BYTES:])
    try:
        body = unpacker.decompress(kept)
    except (zstd.ZstdError, zlib.error) as error:
        raise Damaged("the packed bytes of a report were altered") from error
    if not unpacker.eof:
        raise Damaged("the packed bytes of a report were cut")
    return body


@cache
def _compressor() -> zstd.ZstdCompressor:
    # One for all: to prepare another takes twice as long as a report; each frame begins anew.
    return zstd.ZstdCompressor(options=_OPTIONS, zstd_dict=_dictionary().as_digested_dict)


@cache
def _dictionary() -> zstd.ZstdDict:
    return zstd.ZstdDict(resources.files("prerequis_collector.store").joinpath("packing.zdict").read_bytes())
