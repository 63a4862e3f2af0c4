"""Where the system keeps its proxy, and for which hosts it does without."""

import struct
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis_agent.host import Host
from prerequis_agent.system_proxy import parse_environment, parse_winhttp, setting


def winhttp(proxy: str, flags: int = 3) -> bytes:
    text = proxy.encode()
    return struct.pack("<IIII", 0x28, 0, flags, len(text)) + text + struct.pack("<I", 0)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("settings", "http", "https"),
    [
        (winhttp("proxy.test:3128"), "proxy.test:3128", "proxy.test:3128"),
        (winhttp("http=one.test:80;https=other.test:81"), "one.test:80", "other.test:81"),
        (winhttp("http=one.test:80"), "one.test:80", ""),
        (winhttp("proxy.test:3128", flags=1), "", ""),
        (b"\x28\x00\x00\x00", "", ""),
        (b"", "", ""),
    ],
    ids=["for all", "for each", "for one", "off", "cut", "empty"],
)
def test_the_proxy_of_windows_services_is_read_for_each_scheme(settings: bytes, http: str, https: str) -> None:
    assert (parse_winhttp(settings, "http"), parse_winhttp(settings, "https")) == (http, https)


@given(st.binary(max_size=60))
def test_any_settings_of_windows_name_a_proxy_or_none(settings: bytes) -> None:
    assert isinstance(parse_winhttp(settings, "https"), str)


@pytest.mark.parametrize(
    ("text", "given_by_file"),
    [
        ('https_proxy="http://proxy.test:80"\nno_proxy=a, b\n', {"https": "http://proxy.test:80", "no": "a, b"}),
        ("export HTTP_PROXY=proxy.test:80\n#https_proxy=other.test", {"http": "proxy.test:80"}),
        ("PATH=/bin\nhttps_proxy=\n", {}),
    ],
)  # fmt: skip
def test_the_proxy_of_sessions_is_read_from_their_file(text: str, given_by_file: Mapping[str, str]) -> None:
    assert parse_environment(text) == given_by_file


@given(st.text())
def test_any_file_of_variables_is_read(text: str) -> None:
    assert set(parse_environment(text)) <= {"http", "https", "all", "no"}


def test_the_environment_tells_the_proxy_and_for_whom_it_is_not(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("https_proxy", "http://proxy.test:3128")
    bare.setenv("no_proxy", "direct.test")
    host = Host(platform="linux")
    assert host.web_proxy("psc.test", "https") == "http://proxy.test:3128"
    assert host.web_proxy("direct.test", "https") == ""
    assert host.web_proxy("psc.test", "http") == ""


class FileHost(Host):
    """A live Linux machine of which only one file is known."""

    def __init__(self, text: str) -> None:
        super().__init__(platform="linux")
        self._text = text

    def read_text(self, path: str) -> str | None:
        return self._text if path == "/etc/environment" else None


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("psc.test", "proxy.test:80"),
        ("direct.test", ""),
        ("host.direct.test", ""),
        ("host.domain.test", ""),
        ("indirect.test", "proxy.test:80"),
    ],
)
def test_a_service_of_systemd_is_told_what_sessions_are(name: str, expected: str) -> None:
    host = FileHost("all_proxy=proxy.test:80\nno_proxy=direct.test, .domain.test\n")
    assert setting(host, name, "https") == expected


@pytest.mark.usefixtures("bare")
def test_a_machine_without_a_proxy_goes_directly() -> None:
    assert setting(FileHost(""), "psc.test", "https") == ""
