"""Takes out of an answer to reset what would tell one card from another of its kind."""

# Calypso cards (transport, canteens, staff cards) give their serial number in the historical bytes, ISO 14443 readers
# after another header than ISO 7816 ones (Calypso specification; list of pcsc-tools).
_CALYPSO = (bytes.fromhex("3B6F0000805A"), bytes.fromhex("3B8F8001805A"))
_SERIAL = slice(12, 16)
_CHECK = 19


def without_serial(atr: bytes) -> bytes:
    """Return the answer to reset with the serial number of a Calypso card, and the check byte over it, at zero."""
    if not atr.startswith(_CALYPSO):
        return atr
    cleared = bytearray(atr)
    cleared[_SERIAL] = bytes(len(cleared[_SERIAL]))
    cleared[_CHECK:] = bytes(len(cleared[_CHECK:]))
    return bytes(cleared)
