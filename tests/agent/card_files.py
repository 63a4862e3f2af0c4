"""A CPx card as a file system (ISO 7816-4 and -15), with what a real one holds that nobody may take: names, serials."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("NOM-DU-PORTEUR", "PRENOM-DU-PORTEUR", "801234567890", "990000010/0099887")
"""Surname, given name, national identifier and register number on the card."""
SERIAL = bytes.fromhex("1290099887")
"""What EF.SN.ICC goes on with after the mark of the ANS."""

_APPLICATION = bytes.fromhex("E828BD080F8025000001FF0010")
_CHIPDOC = bytes.fromhex("8025000001FF0100")
_DONE, _NOT_FOUND, _BEYOND, _CUT = (bytes.fromhex(status) for status in ("9000", "6A82", "6B00", "6282"))
_SELECT, _READ = 0xA4, 0xB0
_CARD_TYPE, _PSEUDONYM = "1.2.250.1.71.1.2.2", "2.5.4.65"


def certificate(
    *,
    card_type: int | None = 0,
    issuer: str = "AC IGC-SANTE FORT PERSONNES",
    nominative: bool | None = True,
    ends: datetime = datetime(2029, 5, 17, 22, tzinfo=UTC),
    common_name: str = NAMES[2],
) -> bytes:
    """Return a DER certificate such as the IGC-Santé gives, of synthetic persons."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [(NameOID.COUNTRY_NAME, "FR"), (NameOID.COMMON_NAME, common_name)]
    if nominative:
        subject += [(NameOID.SURNAME, NAMES[0]), (NameOID.GIVEN_NAME, NAMES[1])]
    elif nominative is False:
        subject += [(NameOID.TITLE, "Carte de service"), (x509.ObjectIdentifier(_PSEUDONYM), "EMPLOYE 0099887")]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in subject]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(0x8025000001290099887)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(ends)
    )
    if card_type is not None:
        value = x509.UnrecognizedExtension(x509.ObjectIdentifier(_CARD_TYPE), bytes([0x02, 0x01, card_type]))
        builder = builder.add_extension(value, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def der(tag: int, *parts: bytes) -> bytes:
    """Return a DER value."""
    content = b"".join(parts)
    length = len(content)
    head = bytes([length]) if length < 0x80 else bytes([0x82]) + length.to_bytes(2)
    return bytes([tag]) + head + content


def certificate_entry(path: bytes, label: str = "Certificat d'authentification CPS") -> bytes:
    """Return one entry of a certificate directory (CertificateObject of ISO/IEC 7816-15)."""
    return der(
        0x30,
        der(0x30, der(0x0C, label.encode())),
        der(0x30, der(0x04, b"\x20")),
        der(0xA1, der(0x30, der(0x30, der(0x04, path), der(0x02, b"\x00")))),
    )


class CardFiles:
    """Answers the APDUs of ISO 7816-4 that read; every other with « instruction not supported »."""

    def __init__(self, *certificates: bytes, applet: bytes = _APPLICATION, cla: int = 0x00, longest: int = 256) -> None:
        """`longest` is the most that the card gives in one answer; what is asked beyond is refused with its length."""
        self._applet, self._cla, self._longest = applet, cla, longest
        places = [bytes([0x70, 0x10 + index]) for index in range(len(certificates))]
        paths = [bytes.fromhex("3F000001") + place for place in places]
        entries = b"".join(certificate_entry(path) for path in paths)
        # Cards pad their files: with zeros, or with what was never written.
        self._files = {b"\xd0\x03": bytes.fromhex("5A0A8025000001") + SERIAL}
        self._of_application = {
            b"\x50\x31": der(0xA0, der(0x30, der(0x04, b"\x70\x01")))
            + der(0xA4, der(0x30, der(0x04, b"\x70\x04")))
            + bytes(20),
            b"\x70\x04": entries + b"\xff" * 64,
            **{place: content + bytes(200) for place, content in zip(places, certificates, strict=True)},
        }
        self._selected: bytes | None = None
        self._in_application = False

    @classmethod
    def cps4(cls, *certificates: bytes) -> "CardFiles":
        """Return a card whose certificates are behind the ChipDoc applet, on the first logical channel."""
        return cls(*certificates, applet=_CHIPDOC, cla=0x01)

    def __call__(self, apdu: bytes) -> bytes:
        cla, instruction, p1 = apdu[0], apdu[1], apdu[2]
        if instruction == _SELECT and p1 == 0x04:
            self._in_application = (cla, apdu[5 : 5 + apdu[4]]) == (self._cla, self._applet)
            return _DONE if self._in_application else _NOT_FOUND
        if instruction == _SELECT:
            return self._select(cla, p1, apdu[5 : 5 + apdu[4]])
        if instruction == _READ:
            return self._read(apdu[2] << 8 | apdu[3], apdu[4] or 256)
        return bytes.fromhex("6D00")

    def _select(self, cla: int, p1: int, path: bytes) -> bytes:
        # By its whole path, or by its identifier in the application that is selected.
        if p1 == 0x09 and not path.startswith(b"\x3f\x00"):
            return _NOT_FOUND
        files = self._files | (self._of_application if self._in_application and cla == self._cla else {})
        self._selected = files.get(path[-2:])
        return _DONE if self._selected is not None else _NOT_FOUND

    def _read(self, offset: int, length: int) -> bytes:
        if self._selected is None:
            return bytes.fromhex("6986")
        if length > self._longest:
            return bytes([0x6C, self._longest])
        content = self._selected[offset : offset + length]
        if not content:
            return _BEYOND
        return content + (_DONE if len(content) == length else _CUT)
