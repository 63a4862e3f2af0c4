"""What Windows found of itself for Windows 11, in the forms that its registry has and in those that it should not."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.facts_pb2 import Machine, UpgradeAppraisal
from prerequis_agent.attributes import Attributes
from prerequis_agent.host import Host
from prerequis_agent.windows.upgrade import fill_appraisal, newest_first, parse_red_reasons

_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_INDICATORS = rf"{_VERSION}\AppCompatFlags\TargetVersionUpgradeExperienceIndicators"
_WINDOWS_10 = {"CurrentBuildNumber": "19045", "InstallationType": "Client"}


def _seen(
    root: Path,
    targets: Mapping[str, Mapping[str, object]],
    version: dict[str, str] | None = None,
    refused: tuple[str, ...] = (),
) -> tuple[Machine, str]:
    """Return what a Windows with these indicators tells, and its detail."""
    registry = {_VERSION: version or _WINDOWS_10} | {rf"{_INDICATORS}\{name}": each for name, each in targets.items()}
    host = Host(root, "win32", windows=FixtureWindows({"registry": registry, "refused": refused}))
    attributes, facts = Attributes(host), Machine()
    fill_appraisal(attributes, facts)
    return facts, attributes.detail(facts, {})


def test_the_newest_windows_11_is_the_one_that_counts() -> None:
    names = ["21H1", "CO21H2", "GE24H2Setup", "NI22H2", "RS5", "GE25H2", "ge26h2", "GE24H2", "22H2", "UNV"]
    assert newest_first(names) == ["GE25H2", "GE24H2", "NI22H2", "CO21H2"]


@pytest.mark.parametrize(
    ("value", "reasons"),
    [
        (["None"], []),
        (["none"], []),
        (["CpuFms", "Tpm"], ["CpuFms", "Tpm"]),
        (["Tpm, CpuFms;Memory"], ["Tpm", "CpuFms", "Memory"]),
        (["Tpm", "Tpm"], ["Tpm"]),
        ([], None),
        ([""], None),
        (["Tpm", "<script>"], None),
        (["T" * 41], None),
        ([f"R{number}" for number in range(17)], None),
    ],
)
def test_only_what_looks_like_a_reason_is_one(value: list[str], reasons: list[str] | None) -> None:
    assert parse_red_reasons(value) == reasons


@given(st.lists(st.text() | st.sampled_from(["None", "Tpm", "CpuFms"])))
def test_any_texts_are_reasons_or_nothing_known(value: list[str]) -> None:
    reasons = parse_red_reasons(value)
    assert reasons is None or all(any(reason in text for text in value) for reason in reasons)
    # That nothing is in the way is never made out of something else.
    assert reasons != [] or {text.lower() for text in " ".join(value).replace(",", " ").replace(";", " ").split()} == {
        "none"
    }


def test_one_text_and_several_say_the_same(tmp_path: Path) -> None:
    expected = UpgradeAppraisal(target="GE25H2", experience=UpgradeAppraisal.RED, red_reasons=["CpuFms"])
    for reasons in ("CpuFms", ["CpuFms"]):
        facts, detail = _seen(tmp_path, {"GE25H2": {"UpgEx": "Red", "RedReason": reasons}})
        assert (facts.upgrade_appraisal, detail) == (expected, "")


def test_a_colour_that_is_none_stays_unknown(tmp_path: Path) -> None:
    for colour in ("Purple", 4, ["Green", "Red"], ""):
        facts, _ = _seen(tmp_path, {"GE25H2": {"UpgEx": colour, "RedReason": "None"}})
        assert facts.upgrade_appraisal == UpgradeAppraisal(target="GE25H2")


def test_a_version_without_reasons_leaves_the_one_before_to_speak(tmp_path: Path) -> None:
    targets: dict[str, dict[str, object]] = {
        "GE25H2": {"RedReason": 7},
        "GE24H2": {"UpgEx": "Green", "RedReason": "None"},
    }
    assert _seen(tmp_path, targets)[0].upgrade_appraisal.target == "GE24H2"


@pytest.mark.parametrize("targets", [{}, {"21H2": {"RedReason": "None"}}, {"GE25H2": {"RedReason": ["\x00"]}}])
def test_a_windows_10_that_did_not_look_says_how_to_have_it_look(
    tmp_path: Path, targets: dict[str, dict[str, object]]
) -> None:
    facts, detail = _seen(tmp_path, targets)
    assert not facts.HasField("upgrade_appraisal")
    assert "Microsoft Compatibility Appraiser" in detail


def test_what_is_refused_is_told_as_refused(tmp_path: Path) -> None:
    facts, detail = _seen(tmp_path, {"GE25H2": {"RedReason": "None"}}, refused=(_INDICATORS,))
    assert not facts.HasField("upgrade_appraisal")
    assert "Lecture refusée" in detail
    assert "Compatibility Appraiser »" not in detail


@pytest.mark.parametrize(
    "version",
    [
        {"CurrentBuildNumber": "22000", "InstallationType": "Client"},
        {"CurrentBuildNumber": "17763", "InstallationType": "Server"},
        {"CurrentBuildNumber": "x", "InstallationType": "Client"},
    ],
)
def test_only_a_windows_10_of_a_workstation_is_asked(tmp_path: Path, version: dict[str, str]) -> None:
    facts, detail = _seen(tmp_path, {"GE25H2": {"UpgEx": "Green", "RedReason": "None"}}, version)
    assert (facts, detail) == (Machine(), "")
