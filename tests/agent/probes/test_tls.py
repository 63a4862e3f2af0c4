import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.exposure_pb2 import Tls
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Probe
from prerequis_agent.probes.tls import PROBE, parse_openssl

_SCHANNEL = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.1\Client"
_CONFIGURATION = """
openssl_conf = a  # the section to begin with
[ a ]
ssl_conf = b
[b]
system_default = c
[c]
TLS.MinProtocol = TLSv1.1
MaxProtocol = TLSv1.2
[elsewhere]
MinProtocol = TLSv1.3
"""


def test_each_machine_shows_what_is_set(check: Callable[[Probe], None]) -> None:
    check(PROBE)


@pytest.mark.skipif(not Path("/etc/ssl/openssl.cnf").exists(), reason="another place for OpenSSL's configuration")
def test_what_is_set_here_is_what_openssl_is_configured_with() -> None:
    facts = PROBE.observe(Host()).facts
    witness = subprocess.run(
        ["grep", "-cE", r"^\s*(TLS\.)?M(in|ax)Protocol", "/etc/ssl/openssl.cnf"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (facts != Tls()) == (witness.stdout.strip() != "0")


@pytest.mark.parametrize(
    ("values", "offered"),
    [
        ({}, None),
        ({"Enabled": 0}, False),
        ({"Enabled": 0xFFFFFFFF}, True),
        ({"Enabled": 1, "DisabledByDefault": 1}, False),
        ({"DisabledByDefault": 0}, True),
    ],
)
def test_schannel_decides_only_when_it_says_something(
    tmp_path: Path, values: dict[str, int], offered: bool | None
) -> None:
    windows = FixtureWindows({"registry": {_SCHANNEL: values}})
    facts = PROBE.observe(Host(tmp_path, "win32", windows=windows)).facts
    assert isinstance(facts, Tls)
    assert (facts.tls1_1 if facts.HasField("tls1_1") else None) == offered


def test_only_the_section_that_openssl_follows_counts() -> None:
    assert parse_openssl(_CONFIGURATION) == ("TLSv1.1", "TLSv1.2")
    assert parse_openssl(_CONFIGURATION.replace("system_default", "other")) == (None, None)


def test_macos_has_nothing_to_set() -> None:
    with pytest.raises(Unsupported):
        PROBE.observe(Host(platform="darwin"))


@given(st.text() | st.text("[]abc=# \nMinProtocolTLSv1.2"))
def test_any_text_is_a_configuration(text: str) -> None:
    assert len(parse_openssl(text)) == 2
