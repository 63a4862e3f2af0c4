import plistlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.facts_pb2 import Disk
from prerequis_agent.errors import ParseError
from prerequis_agent.macos import parse_disk, parse_last_update, parse_sysctl
from prerequis_agent.probes.backup import parse_time_machine


def test_only_what_apple_brings_out_updates_the_system() -> None:
    history = [
        {"date": datetime(2026, 10, 2), "displayName": "macOS 15.7.9", "processName": "softwareupdated"},
        {"date": datetime(2026, 11, 1), "displayName": "XProtectPlistConfigData", "processName": "softwareupdated"},
        {"date": datetime(2026, 11, 2), "displayName": "macOS for Dummies", "processName": "appstoreagent"},
    ]
    assert parse_last_update(plistlib.dumps(history)) == datetime(2026, 10, 2, tzinfo=UTC)
    assert parse_last_update(plistlib.dumps([])) is None


def test_time_machine_saves_when_it_has_a_place_and_does_so_by_itself() -> None:
    place = {"SnapshotDates": [datetime(2026, 11, 18, 9), datetime(2026, 11, 19, 9)]}
    last = datetime(2026, 11, 19, 9, tzinfo=UTC)
    assert parse_time_machine(plistlib.dumps({"AutoBackup": True, "Destinations": [place]})) == (True, last)
    assert parse_time_machine(plistlib.dumps({"AutoBackup": False, "Destinations": [place]})) == (False, last)
    assert parse_time_machine(plistlib.dumps({"AutoBackup": True})) == (False, None)


def test_a_disk_whose_kind_macos_does_not_know_is_neither_ssd_nor_spinning() -> None:
    assert parse_disk({"TotalSize": 500, "SolidState": False}) == Disk(size_bytes=500, rotational=True)
    assert parse_disk({"Size": 500}) == Disk(size_bytes=500)
    assert parse_disk({"Size": 500, "RemovableMedia": True}) is None


@given(st.text() | st.text("hw.model: 0123\n"))
def test_any_text_is_an_answer_of_sysctl_or_a_parse_error(text: str) -> None:
    try:
        assert all(value == value.strip() for value in parse_sysctl(text).values())
    except ParseError as problem:
        assert str(problem).endswith(".")


_values = st.recursive(
    st.booleans()
    | st.integers(0, 9)
    | st.text("abc", max_size=3)
    | st.datetimes(datetime(2000, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["AutoBackup", "Destinations", "SnapshotDates", "date", "processName"]), inner
        )
    ),
    max_leaves=8,
)


@given(_values)
def test_any_property_list_is_settings_or_a_parse_error(value: bool | str | list[object]) -> None:
    content = plistlib.dumps(value)
    for parse in (parse_time_machine, parse_last_update):
        try:
            parse(content)
        except ParseError as problem:
            assert str(problem).endswith(".")
