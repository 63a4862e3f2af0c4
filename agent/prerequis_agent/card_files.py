"""Finds the certificates that a card shows to everybody, by its own directory (ISO/IEC 7816-15, formerly PKCS #15).

The application's EF.OD (5031) says where its certificate directory is, and that says where each certificate is. The
names of the applications are those of the Cryptolib CPS; nobody has tried this on a real card yet, so whatever is
not as the standard says ends in CardSilent, and the type of the card stays unknown.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from prerequis_agent.card_channel import DONE, CardSilent, Channel

_APPLICATIONS = (
    (0x00, bytes.fromhex("E828BD080F8025000001FF0010")),  # CPS3 and CPS4
    (0x00, bytes.fromhex("E828BD080F8025000001FF0020")),  # contactless
    (0x01, bytes.fromhex("8025000001FF0100")),  # ChipDoc of CPS4, on its first logical channel
)
_OBJECT_DIRECTORY = bytes.fromhex("5031")
_MASTER_FILE = bytes.fromhex("3F00")
_SEQUENCE, _OCTETS, _INTEGER, _CERTIFICATES, _TYPE_ATTRIBUTES = 0x30, 0x04, 0x02, 0xA4, 0xA1
# Cards of the ANS answer up to 231 bytes at a time (CPS3).
_PIECE = 192
_MOST_BYTES, _MOST_PIECES = 8192, 128
_MOST_CERTIFICATES = 8
_PADDING = (0x00, 0xFF)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card keeps something: a path of file identifiers, and the offset in the last file, in bytes."""

    path: bytes
    offset: int = 0


def certificates(channel: Channel) -> Iterator[bytes]:
    """Give the DER certificates that the card's directory names; raises CardSilent when it has no such directory."""
    for cla, name in _APPLICATIONS:
        if not _selected(channel, bytes([cla, 0xA4, 0x04, 0x0C, len(name)]) + name):
            continue
        files = _Files(channel, cla)
        if not files.select(_OBJECT_DIRECTORY):
            continue
        for directory in parse_object_directory(files.whole()):
            if files.select(directory.path):
                places = parse_certificate_directory(files.whole())[:_MOST_CERTIFICATES]
                yield from (files.value(place.offset) for place in places if files.select(place.path))
        return
    raise CardSilent("La carte n'a pas le répertoire attendu.")


def parse_object_directory(content: bytes) -> list[Place]:
    """Return where an EF.OD says that certificates are listed; raises CardSilent on another form."""
    return [
        _place(first) for tag, value in parse_values(content) if tag == _CERTIFICATES for first in parse_values(value)
    ]


def parse_certificate_directory(content: bytes) -> list[Place]:
    """Return where a certificate directory says that each is; raises CardSilent on another form."""
    places = []
    for tag, entry in parse_values(content):
        if tag != _SEQUENCE:
            raise CardSilent("La carte liste mal ses certificats.")
        for inner, attributes in parse_values(entry):
            if inner == _TYPE_ATTRIBUTES:
                # X509CertificateAttributes, of which the first element is the path.
                for _, value in parse_values(attributes):
                    places += [_place(first) for first in parse_values(value)[:1]]
    return places


def _place(value: tuple[int, bytes]) -> Place:
    """Return what a Path says: SEQUENCE { OCTET STRING, INTEGER index, [0] length }."""
    tag, content = value
    parts = dict(reversed(parse_values(content))) if tag == _SEQUENCE else {}
    path = parts.get(_OCTETS, b"")
    if not path or len(path) % 2:
        raise CardSilent("La carte indique mal ses fichiers.")
    return Place(path, int.from_bytes(parts.get(_INTEGER, b"")))


def parse_values(content: bytes) -> list[tuple[int, bytes]]:
    """Return the BER values, as tag and content, that stand one after another; padding ends them.

    Raises CardSilent when they do not fit.
    """
    values, at = [], 0
    while at < len(content) and content[at] not in _PADDING:
        start, end = _bounds(content, at)
        if end > len(content):
            raise CardSilent("La carte répond par un texte coupé.")
        values.append((content[at], content[start:end]))
        at = end
    return values


def _bounds(content: bytes, at: int) -> tuple[int, int]:
    """Return where the content of a value with a tag of one byte begins and ends."""
    head = content[at + 1 : at + 2]
    more = head[0] & 0x7F if head and head[0] & 0x80 else 0
    length = content[at + 2 : at + 2 + more] if more else head
    if not head or len(length) != (more or 1) or more > 2 or head == b"\x80":
        raise CardSilent("La carte répond par un texte mal formé.")
    start = at + 2 + more
    return start, start + int.from_bytes(length)


class _Files:
    """The files of the application that was selected."""

    def __init__(self, channel: Channel, cla: int) -> None:
        self._channel = channel
        self._cla = cla

    def select(self, path: bytes) -> bool:
        """Select a file, and return whether the card has it.

        Cards of the ANS take whole paths from the master file with P1 = 09, as their own library sends them.
        """
        ways = [(0x02, path)] if len(path) == len(_MASTER_FILE) else [(0x09, path), (0x02, path[-2:])]
        return any(_selected(self._channel, bytes([self._cla, 0xA4, p1, 0x0C, len(name)]) + name) for p1, name in ways)

    def whole(self) -> bytes:
        """Return the content of the file that is selected."""
        return self._read(0, _MOST_BYTES)

    def value(self, offset: int) -> bytes:
        """Return the one value that begins at an offset; raises CardSilent when the file does not hold it whole."""
        _, end = _bounds(self._piece(offset, _PIECE), 0)
        content = self._read(offset, min(end, _MOST_BYTES))
        if len(content) < end:
            raise CardSilent("La carte ne donne pas son certificat en entier.")
        return content

    def _read(self, offset: int, length: int) -> bytes:
        """Return up to so many bytes from an offset on; a card may give fewer at a time than it is asked for."""
        content = b""
        for _ in range(_MOST_PIECES):
            piece = self._piece(offset + len(content), min(_PIECE, length - len(content)))
            content += piece
            if not piece or len(content) == length:
                break
        return content

    def _piece(self, offset: int, length: int) -> bytes:
        """Return the bytes at an offset, none beyond the end."""
        if offset > 0x7FFF:
            return b""
        piece, status = self._channel.ask_whole(bytes([self._cla, 0xB0, offset >> 8, offset & 0xFF, length]))
        # Beyond the end cards say 6B00, and 6282 of a piece that the end cuts.
        return piece[:length] if status in (DONE, 0x6282) else b""


def _selected(channel: Channel, apdu: bytes) -> bool:
    return channel.ask_whole(apdu)[1] == DONE
