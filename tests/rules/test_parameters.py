"""What the sources leave open is written as people write it, and shown in both units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_rules.pack import Pack
from prerequis_rules.parameters import PARAMETERS, UnreadableValue


@pytest.mark.parametrize(
    ("name", "written", "shown"),
    [
        ("ratio", "4", "4"),
        ("débit", "250 Ko/s", "2,0 Mbit/s (250 Ko/s)"),
        ("débit", "2 Mbit/s", "2,0 Mbit/s (250 Ko/s)"),
        ("débit", "1,5 mbit/s", "1,5 Mbit/s (188 Ko/s)"),
        ("débit", "0.5Mo/s", "4,0 Mbit/s (500 Ko/s)"),
        ("débit", "512 kbit/s", "0,5 Mbit/s (64 Ko/s)"),
        ("sens", "réception", "réception"),
        ("sens", "deux sens", "deux sens"),
        ("utilisateurs", "à la fois", "à la fois"),
        ("utilisateurs", "tous", "tous"),
        ("insi", "certificat", "certificat"),
    ],
)
def test_a_value_is_shown_as_people_read_it(name: str, written: str, shown: str) -> None:
    parameter = PARAMETERS[name]
    assert parameter.shown(parameter.read(written)) == shown


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("ratio", "0"),
        ("ratio", "100"),
        ("ratio", "1,5"),
        ("débit", "250"),
        ("débit", "0 Ko/s"),
        ("débit", "250 Kb/s"),
        ("débit", "-2 Mbit/s"),
        ("sens", "émission"),
        ("utilisateurs", "30"),
        ("insi", "CARD"),
    ],
)
def test_a_value_that_could_be_misread_is_refused(name: str, written: str) -> None:
    with pytest.raises(UnreadableValue):
        PARAMETERS[name].read(written)


@given(st.sampled_from(sorted(PARAMETERS)), st.text(max_size=20))
def test_any_text_is_read_or_refused(name: str, written: str) -> None:
    try:
        profile = PARAMETERS[name].read(written)
    except UnreadableValue as error:
        assert str(error)
    else:
        assert PARAMETERS[name].shown(profile)


def test_both_shipped_profiles_say_each_parameter(shipped: Pack) -> None:
    profiles = shipped.profiles.values()
    assert all(parameter.shown(profile) for profile in profiles for parameter in PARAMETERS.values())
