"""What is not known is not in the map."""

import math
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rules.strategies import messages

from prerequis.v1.context_pb2 import SiteContext
from prerequis.v1.facts_pb2 import Facts, Line, Smartcard, System
from prerequis.v1.register_pb2 import Profile, ProfileHost, Site
from prerequis_rules.context import known, laid_over
from prerequis_rules.expressions import Program, activate, compile_expression
from prerequis_rules.model import Scope


def check_presence(message: Message, values: dict[str, Any]) -> None:
    for field in message.DESCRIPTOR.fields:
        value: Any = getattr(message, field.name)
        if field.is_repeated and field.enum_type:
            assert values[field.name] == [one for one in value if one and one in field.enum_type.values_by_number]
        elif field.is_repeated:
            assert len(values[field.name]) == len(value)
            if field.message_type:
                for one, converted in zip(value, values[field.name], strict=True):
                    check_presence(one, converted)
        elif field.has_presence and not message.HasField(field.name):
            assert field.name not in values
        elif field.enum_type:
            in_enumeration = value != 0 and value in field.enum_type.values_by_number
            assert values.get(field.name) == (value if in_enumeration else None)
        elif isinstance(value, Timestamp):
            assert field.name not in values or isinstance(values[field.name], Timestamp)
        elif field.message_type:
            check_presence(value, values[field.name])
        elif isinstance(value, float) and not math.isfinite(value):
            assert field.name not in values
        else:
            assert values[field.name] == value


# Each of them is a whole machine.
@settings(max_examples=40)
@given(messages(Facts))
def test_a_map_holds_what_the_message_knows_and_nothing_else(facts: Facts) -> None:
    check_presence(facts, known(facts))


FACTS_READABLE: Program[bool] = compile_expression("has(facts.machine) || !has(facts.machine)", Scope.WORKSTATION, bool)


@settings(max_examples=40)
@given(messages(Facts) | messages(Profile) | messages(Site), st.data())
def test_a_map_of_some_fields_is_that_part_of_the_whole(message: Message, data: st.DataObject) -> None:
    names = sorted(message.DESCRIPTOR.fields_by_name)
    only = data.draw(st.sets(st.sampled_from([*names, "no_such_field"])))
    always = known(type(message)())
    wanted = {name: value for name, value in known(message).items() if name in only}
    assert known(message, only) == {**always, **wanted}


@given(messages(Facts))
def test_cel_can_read_every_map(facts: Facts) -> None:
    """One value that CEL refuses would make every rule of the machine unknown."""
    assert FACTS_READABLE.evaluate(activate({"facts": known(facts)})) is True


def test_an_empty_sub_message_is_known_and_its_lists_are_empty() -> None:
    assert known(Facts(smartcard=Smartcard())) == {"smartcard": {"readers": []}}


def test_zero_false_and_the_empty_text_are_known() -> None:
    assert known(System(pending_updates=0, reboot_required=False, kernel="")) == {
        "pending_updates": 0,
        "reboot_required": False,
        "kernel": "",
    }


def test_maps_and_scalars_without_presence_are_always_there() -> None:
    assert known(SiteContext()) == {"answers": {}, "tally": {}}
    assert known(Site()) == {"finess": "", "name": "", "profile": ""}


def test_a_moment_out_of_range_is_not_known() -> None:
    assert "started_at" not in known(Line(started_at=Timestamp(seconds=253_402_300_800)))
    assert "started_at" not in known(Line(started_at=Timestamp(nanos=-1)))
    assert "started_at" in known(Line(started_at=Timestamp(seconds=253_402_300_799)))


def test_a_profile_is_laid_over_another_field_by_field() -> None:
    base = Profile(id="base", memory_bytes=8, rtt_seconds=0.1, hosts=[ProfileHost(host="a"), ProfileHost(host="b")])
    over = Profile(memory_bytes=16, confirmed=False, hosts=[ProfileHost(host="c")])
    assert laid_over(base, over) == Profile(
        id="base", memory_bytes=16, rtt_seconds=0.1, confirmed=False, hosts=[ProfileHost(host="c")]
    )
    assert laid_over(base, Profile()) == base
