import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_agent.atr import without_serial
from prerequis_agent.card_names import name_of


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("3B6F0000805A0803030000000156 64F6829000", "3B6F0000805A08030300000000000000829000"),
        ("3B8F8001805A08030300000001D3377282900059", "3B8F8001805A0803030000000000000082900000"),
        ("3BAC00402A001225006480000310009000", "3BAC00402A001225006480000310009000"),
        ("3B751300004509EA9000", "3B751300004509EA9000"),
    ],
)
def test_a_transport_card_loses_its_number_and_no_other_card_anything(told: str, kept: str) -> None:
    assert without_serial(bytes.fromhex(told)) == bytes.fromhex(kept)


@given(st.sampled_from(["3B6F0000805A", "3B8F8001805A", "3B", ""]), st.binary(max_size=33))
def test_any_answer_to_reset_keeps_its_length_and_its_name(head: str, rest: bytes) -> None:
    atr = bytes.fromhex(head) + rest
    assert len(without_serial(atr)) == len(atr)
    assert name_of(without_serial(atr)) == name_of(atr)


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4))
def test_two_transport_cards_of_a_kind_are_alike(one: bytes, other: bytes) -> None:
    head, tail = bytes.fromhex("3B8F8001805A080303000000"), bytes.fromhex("829000")
    atrs = [head + serial + tail + bytes([sum(serial) % 256]) for serial in (one, other)]
    assert without_serial(atrs[0]) == without_serial(atrs[1])
