"""A certificate that is not to the letter of RFC 5280 is read without a word at the terminal."""

from tests.agent.card_files import certificate

from prerequis_agent import igc_sante
from prerequis_agent.reach.certificates import issuer

DER = certificate()
SERIAL_NUMBER = 0x8025000001290099887.to_bytes(10, "big")


def test_a_negative_serial_number_is_no_obstacle_and_no_warning() -> None:
    assert DER.count(SERIAL_NUMBER) == 1
    # A warning would be an error here.
    odd = DER.replace(SERIAL_NUMBER, b"\xff" + SERIAL_NUMBER[1:])
    assert igc_sante.read(odd) == igc_sante.read(DER) is not None
    assert issuer(odd) == issuer(DER) != ""
