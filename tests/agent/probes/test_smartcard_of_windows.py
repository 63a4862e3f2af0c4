"""The card readers and the service of Windows."""

from pathlib import Path

import pytest
from tests.agent.probes.windows_fixture import FixtureWindows

from prerequis.v1.facts_pb2 import Smartcard
from prerequis_agent.host import Host
from prerequis_agent.probes.smartcard import PROBE

_PNP = "root/cimv2:Win32_PnPEntity"
_READER = {"ClassGuid": "{50dd5230-ba8a-11d1-bf5d-0000f805f530}", "PNPDeviceID": "USB\\VID_072F&PID_90CC\\SN0001234"}


def windows_host(root: Path, service: dict[str, int] | None, *rows: dict[str, object]) -> Host:
    calls = {"service": {} if service is None else {"SCardSvr": service}}
    return Host(root, "win32", windows=FixtureWindows({"win32": calls, "cim": {_PNP: list(rows)}}))


@pytest.mark.parametrize(
    ("service", "rows", "state", "remedy"),
    [
        ({"state": 1, "start": 4}, [_READER], Smartcard.STOPPED, "désactivé"),
        ({"state": 1, "start": 3}, [_READER], Smartcard.STOPPED, "le démarrer"),
        ({"state": 1, "start": 3}, [], Smartcard.STOPPED, "aucun lecteur n'est branché"),
        ({"state": 4, "start": 3}, [_READER], Smartcard.RUNNING, "pyscard"),
        (None, [], Smartcard.ABSENT, "n'a pas le service"),
    ],
)
def test_windows_tells_why_its_service_does_not_answer(
    tmp_path: Path, service: dict[str, int] | None, rows: list[dict[str, object]], state: int, remedy: str
) -> None:
    seen = PROBE.observe(windows_host(tmp_path, service, *rows))
    assert isinstance(seen.facts, Smartcard)
    assert seen.facts.service == state
    assert remedy in seen.detail or state == Smartcard.RUNNING
    assert [(reader.usb_vendor, reader.usb_product) for reader in seen.facts.readers] == [(0x072F, 0x90CC)] * len(rows)


def test_a_reader_without_a_driver_shows_by_the_class_of_its_interface(tmp_path: Path) -> None:
    bare = {"PNPDeviceID": "USB\\VID_076B&PID_3031\\1", "CompatibleID": ["USB\\Class_0b"], "ConfigManagerErrorCode": 28}
    other = {
        "PNPDeviceID": "USB\\VID_03F0&PID_1234\\2",
        "CompatibleID": ["USB\\Class_ff"],
        "ConfigManagerErrorCode": 28,
    }
    facts = PROBE.observe(windows_host(tmp_path, {"state": 4, "start": 3}, bare, other)).facts
    assert isinstance(facts, Smartcard)
    assert [(reader.usb_vendor, reader.usb_product) for reader in facts.readers] == [(0x076B, 0x3031)]
