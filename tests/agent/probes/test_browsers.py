import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.exposure_pb2 import Browsers
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.plists import parse_settings
from prerequis_agent.probe import Probe
from prerequis_agent.probes.browsers import PROBE, Policy, parse_policies, policy_of


def test_each_machine_shows_what_is_imposed_on_its_browsers(check: Callable[[Probe], None]) -> None:
    check(PROBE)


def test_a_browser_is_seen_here_when_the_path_has_one() -> None:
    names = ("chromium", "chromium-browser", "google-chrome", "firefox", "firefox-esr", "microsoft-edge")
    if any(map(shutil.which, names)):
        assert isinstance(PROBE.observe(Host()).facts, Browsers)
    else:
        with pytest.raises(Unsupported):
            PROBE.observe(Host())


def test_a_broken_policy_is_told_and_proves_nothing(tmp_path: Path) -> None:
    for path, text in (("usr/bin/chromium", ""), ("etc/chromium/policies/managed/a.json", "{")):
        place = tmp_path / path
        place.parent.mkdir(parents=True)
        place.write_text(text)
    seen = PROBE.observe(Host(tmp_path, "linux"))
    assert seen.facts == Browsers()
    assert "forme attendue" in seen.detail


def test_nothing_imposed_leaves_everything_to_the_user() -> None:
    assert policy_of({}) == Policy(None, False, None)


@given(
    st.dictionaries(
        st.sampled_from(["PasswordManagerEnabled", "ExtensionInstallBlocklist", "ExtensionSettings"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.just({"*": 3}),
    )
)
def test_any_settings_are_a_policy(settings: dict[str, object]) -> None:
    policy = policy_of(settings)
    assert policy.extensions_blocked == (
        "*" in str(settings.get("ExtensionInstallBlocklist"))
        and isinstance(settings["ExtensionInstallBlocklist"], list)
        and "*" in settings["ExtensionInstallBlocklist"]
    )


@given(st.text(), st.binary())
def test_any_content_is_settings_or_a_parse_error(text: str, content: bytes) -> None:
    try:
        assert isinstance(parse_policies(text), dict)
    except ParseError as problem:
        assert str(problem).endswith(".")
    with pytest.raises(ParseError):
        parse_settings(content)
