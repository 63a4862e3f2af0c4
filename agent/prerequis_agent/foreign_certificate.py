"""Loads certificates that others made: of a card, of a store, of an appliance that inspects."""

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


def load(der: bytes) -> "Certificate":
    """Return a DER certificate; raises ValueError or x509.InvalidVersion for bytes that are none.

    Appliances sign with a serial number of zero, which RFC 5280 disallows and cryptography still reads: what it warns
    of is nothing to who sits before the terminal.
    """
    # Loaded where there is a certificate to read: it costs a tenth of a second.
    from cryptography import x509
    from cryptography.utils import CryptographyDeprecationWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_der_x509_certificate(der)
