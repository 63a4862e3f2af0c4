"""The type of a card from its certificate: what is kept of it, and what reaches the card."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.card_files import CardFiles, certificate, certificate_entry, der

from prerequis_agent import card_files, igc_sante
from prerequis_agent.card_channel import CardHeld, CardSilent, Channel
from prerequis_agent.card_type import NAMES, CardType, read_type
from prerequis_agent.igc_sante import Kind
from prerequis_agent.pcsc import ConnectedScard

NOMINATIVE = certificate()
OF_THE_STRUCTURE = certificate(card_type=2, issuer="AC IGC-SANTE STANDARD PERSONNES", nominative=False)
OF_TESTS = certificate(card_type=1, issuer="TEST AC IGC-SANTE FORT PERSONNES", ends=datetime(2020, 6, 1, tzinfo=UTC))
WITHOUT_TYPE = certificate(card_type=None)
ORGANISATIONS = "AC IGC-SANTE ELEMENTAIRE ORGANISATIONS"

READING = {0xA4, 0xB0, 0xC0}
"""SELECT, READ BINARY and GET RESPONSE."""


class ScriptedCard:
    """PC/SC with one card that a function answers for, without a service."""

    SCARD_SCOPE_USER = SCARD_S_SUCCESS = SCARD_LEAVE_CARD = 0
    SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1 = 2, 1, 2
    SCARD_PCI_T0, SCARD_PCI_T1 = 1, 2
    SCARD_E_SHARING_VIOLATION = 0x8010000B

    def __init__(self, answer: Callable[[bytes], bytes], connects: int = 0) -> None:
        self._answer, self._connects = answer, connects
        self.apdus: list[bytes] = []
        self.open = 0

    def SCardEstablishContext(self, scope: int) -> tuple[int, int]:
        self.open += 1
        return 0, 7

    def SCardReleaseContext(self, context: int) -> int:
        self.open -= 1
        return 0

    def SCardConnect(self, context: int, reader: str, share: int, protocols: int) -> tuple[int, int, int]:
        assert share == self.SCARD_SHARE_SHARED
        self.open += self._connects == 0
        return self._connects, 8, self.SCARD_PROTOCOL_T1

    def SCardDisconnect(self, card: int, disposition: int) -> int:
        assert disposition == self.SCARD_LEAVE_CARD
        self.open -= 1
        return 0

    def SCardTransmit(self, card: int, protocol: int, apdu: Sequence[int]) -> tuple[int, list[int]]:
        self.apdus.append(bytes(apdu))
        return 0, list(self._answer(bytes(apdu)))


def type_of(answer: Callable[[bytes], bytes]) -> CardType:
    card = ScriptedCard(answer)
    try:
        return read_type(cast(ConnectedScard, card), "Lecteur", b"salt").type
    finally:
        assert card.open == 0
        assert {apdu[1] for apdu in card.apdus} <= READING
        assert not any(b"\xd0\x03" in apdu for apdu in card.apdus), "the card's number is nobody's business"


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        (CardFiles(NOMINATIVE), CardType("CPS", date(2029, 5, 1), True, False)),
        (CardFiles(WITHOUT_TYPE, OF_THE_STRUCTURE), CardType("CDE ou CPE", date(2029, 5, 1), False, False)),
        (CardFiles(OF_TESTS), CardType("CPF", date(2020, 6, 1), True, True)),
        (CardFiles.cps4(NOMINATIVE), CardType("CPS", date(2029, 5, 1), True, False)),
        (CardFiles(NOMINATIVE, longest=100), CardType("CPS", date(2029, 5, 1), True, False)),
    ],
    ids=["CPS", "behind one without a type", "of tests", "ChipDoc of CPS4", "in short answers"],
)
def test_a_card_tells_its_type_and_month_and_nothing_else_is_kept(files: CardFiles, kept: CardType) -> None:
    assert type_of(files) == kept


def test_an_answer_that_a_card_hands_over_in_parts_is_put_together() -> None:
    files = CardFiles(NOMINATIVE)
    rest = b""

    def by_parts(apdu: bytes) -> bytes:
        nonlocal rest
        if apdu[1] == 0xC0:
            answer, rest = rest, b""
            return answer + b"\x90\x00"
        answer = files(apdu)
        if apdu[1] != 0xB0 or answer[-2:] != b"\x90\x00" or len(answer) < 60:
            return answer
        rest = answer[50:-2]
        return answer[:50] + bytes([0x61, len(rest)])

    assert type_of(by_parts).name == "CPS"


def missing(apdu: bytes) -> bytes:
    return b"\x6a\x82"


@pytest.mark.parametrize(
    "answer",
    [
        missing,
        CardFiles(),
        CardFiles(WITHOUT_TYPE),
        CardFiles(b"\x30\x82\x7f\xff" + bytes(300)),
        CardFiles(b"no certificate at all"),
        lambda apdu: b"\x90\x00",
        lambda apdu: b"\x61\x01",
        lambda apdu: b"\x6c\x00",
        lambda apdu: b"\xff",
        lambda apdu: b"",
        lambda apdu: b"\x04\x90\x00",
    ],
    ids=[
        "no application", "no certificate", "none with a type", "cut short", "not X.509", "empty files", "always more",
        "always another length", "one byte", "nothing", "half a value",
    ],
)  # fmt: skip
def test_a_card_that_answers_otherwise_has_no_type(answer: Callable[[bytes], bytes]) -> None:
    with pytest.raises(CardSilent):
        type_of(answer)


def test_a_card_that_another_program_holds_is_left_alone() -> None:
    card = ScriptedCard(CardFiles(NOMINATIVE), connects=0x8010000B)
    with pytest.raises(CardHeld):
        read_type(cast(ConnectedScard, card), "Lecteur", b"salt")
    assert (card.apdus, card.open) == ([], 0)


@pytest.mark.parametrize(
    "apdu", ["00200001", "0020000108", "0020008104313233FF", "00CB3FFF0A", "0084000008", "002A9E9A00"]
)
def test_no_other_command_reaches_a_card(apdu: str) -> None:
    card = ScriptedCard(missing)
    with pytest.raises(ValueError, match="not in the list"):
        Channel(cast(ConnectedScard, card), 8, 2).ask(bytes.fromhex(apdu))
    assert card.apdus == []


def test_the_same_card_is_known_again_under_one_salt_only() -> None:
    def digest(der_: bytes, salt: bytes) -> bytes:
        return read_type(cast(ConnectedScard, ScriptedCard(CardFiles(der_))), "Lecteur", salt).digest

    assert digest(NOMINATIVE, b"one") == digest(NOMINATIVE, b"one") != digest(certificate(), b"one")
    assert digest(NOMINATIVE, b"one") != digest(NOMINATIVE, b"two")


@given(st.binary(max_size=300), st.binary(max_size=300), st.sampled_from([b"\x90\x00", b"\x62\x82", b"\x61\x05", b""]))
def test_whatever_a_card_answers_it_has_a_type_or_none(first: bytes, second: bytes, status: bytes) -> None:
    answers = iter([b"\x90\x00", b"\x90\x00", first + status, b"\x6b\x00", b"\x90\x00", second + status])
    read = None
    with suppress(CardSilent):
        read = type_of(lambda apdu: next(answers, b"\x6b\x00"))
    assert read is None or read.name in NAMES


@given(st.binary(max_size=80))
def test_any_bytes_are_a_directory_or_the_card_is_silent(content: bytes) -> None:
    for parse in (card_files.parse_object_directory, card_files.parse_certificate_directory):
        with suppress(CardSilent):
            assert all(place.path for place in parse(content))


@given(st.lists(st.binary(min_size=1, max_size=4).map(lambda path: path * 2), max_size=5))
def test_a_certificate_directory_gives_each_path_in_order(paths: list[bytes]) -> None:
    content = b"".join(certificate_entry(path) for path in paths) + bytes(7)
    assert [place.path for place in card_files.parse_certificate_directory(content)] == paths


@given(st.lists(st.tuples(st.sampled_from([0x30, 0x04, 0xA1]), st.binary(max_size=300)), max_size=4))
def test_values_come_back_as_they_were_written(values: list[tuple[int, bytes]]) -> None:
    content = b"".join(der(tag, value) for tag, value in values)
    assert card_files.parse_values(content) == values


@pytest.mark.parametrize(
    ("der_", "kind", "test"),
    [
        (NOMINATIVE, Kind.CARD, False),
        (OF_TESTS, Kind.CARD, True),
        (certificate(card_type=None, issuer=ORGANISATIONS, common_name="INSI-AUTO"), Kind.INSI, False),
        (certificate(card_type=None, issuer=f"TEST {ORGANISATIONS}", common_name="INSI-MANU"), Kind.INSI, True),
        (WITHOUT_TYPE, Kind.IGC_SANTE, False),
        (certificate(issuer="Autre autorité"), Kind.OTHER, False),
        (certificate(card_type=9), Kind.IGC_SANTE, False),
    ],
    ids=["card", "test card", "INSi", "INSi of tests", "of the IGC-Santé", "of another", "type out of the list"],
)  # fmt: skip
def test_a_certificate_says_what_it_is_for(der_: bytes, kind: Kind, test: bool) -> None:
    found = igc_sante.read(der_)
    assert found and (found.kind, found.test) == (kind, test)


@given(st.binary(max_size=200), st.integers(0, len(NOMINATIVE) - 1), st.integers(1, 255))
def test_any_bytes_are_a_certificate_or_none(content: bytes, at: int, flip: int) -> None:
    assert igc_sante.read(content) is None
    damaged = bytearray(NOMINATIVE)
    damaged[at] ^= flip
    found = igc_sante.read(bytes(damaged))
    assert found is None or found.kind in Kind
