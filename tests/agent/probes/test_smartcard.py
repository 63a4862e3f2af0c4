import plistlib
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.pcscd import held_by_another_program, needs_pcscd, pcscd, the_only_pcscd, wait
from tests.agent.probes.conftest import FixtureHost, ScriptedPcsc
from tests.agent.probes.virtual_card import PORTS, VirtualCard

from prerequis.v1.facts_pb2 import Reader, Smartcard
from prerequis_agent.errors import NotPermitted, ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.pcsc import Scard
from prerequis_agent.probe import Probe
from prerequis_agent.probes.smartcard import PROBE, Card, Slot, join, reader_name
from prerequis_agent.usb_readers import Drivers, UsbReader, parse_bundle, parse_usb_interfaces

# ANS, DOPS card-cps.c; for CPS2ter and the carte Vitale, the list of pcsc-tools.
_ATRS = {
    "CPS2ter": "3BAC00402A00122500648082021200 9000",
    "CPS3": "3BAC00402A00122500648000031000 9000",
    "CPS3 contactless": "3B8F80010031B86404B0ECC1739401808290000E",
    "CPS4": "3B9B188001001225006480040100009044",
    "CPS4 release candidate": "3B9B188001001225006480000401009044",
    "CPS4 T=0": "3BDC18FF000012250064800004010090 00",
    "Vitale 2": "3B751300004509EA9000",
}


class HostWithLivePcsc(FixtureHost):
    """A machine of files, with the PC/SC service of this one."""

    def __init__(self, root: Path) -> None:
        files = {
            "/usr/sbin/pcscd": "",
            "/sys/bus/usb/devices/1-1/idVendor": "08e6\n",
            "/sys/bus/usb/devices/1-1/idProduct": "3437\n",
            "/sys/bus/usb/devices/1-1:1.0/bInterfaceClass": "0b\n",
        }
        names = {"ifdVendorID": "0x08E6", "ifdProductID": "0x3437", "ifdFriendlyName": "Gemalto PC Twin Reader"}
        bundle = {"/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist": plistlib.dumps(names).decode()}
        super().__init__(root, {"secrets": [], "files": files | bundle}, "live")

    def pcsc(self) -> Scard:
        return Host().pcsc()


@pytest.fixture(scope="module")
def pcsc_lock() -> Iterator[None]:
    """The right to start and stop the PC/SC service of this machine."""
    with the_only_pcscd():
        yield


@pytest.fixture(scope="module")
def two_readers(pcsc_lock: None) -> Iterator[None]:
    with pcscd():
        wait(lambda: len(_live_readers()) == len(PORTS))
        yield


def _live_readers() -> list[Reader]:
    facts = PROBE.observe(Host()).facts
    assert isinstance(facts, Smartcard)
    assert facts.service == Smartcard.RUNNING
    return list(facts.readers)


@contextmanager
def _inserted(atr: str, slot: int = 0) -> Iterator[VirtualCard]:
    card = VirtualCard(bytes.fromhex(atr), PORTS[slot])
    try:
        wait(lambda: _live_readers()[slot].card_present)
        yield card
    finally:
        card.eject()
        wait(lambda: not _live_readers()[slot].card_present)


def test_each_machine_shows_its_readers(check: Callable[[Probe], None], fixture_host: FixtureHost) -> None:
    check(PROBE)
    assert fixture_host.scripted_pcsc is None or fixture_host.scripted_pcsc.open_contexts == 0


@needs_pcscd
def test_a_service_that_does_not_run_is_stopped(pcsc_lock: None, tmp_path: Path) -> None:
    seen = PROBE.observe(HostWithLivePcsc(tmp_path))
    reader = Reader(usb_vendor=0x08E6, usb_product=0x3437, driver_installed=True)
    assert seen.facts == Smartcard(service=Smartcard.STOPPED, readers=[reader])
    assert "démarrer" in seen.detail


@needs_pcscd
def test_a_service_without_readers_shows_none(pcsc_lock: None, tmp_path: Path) -> None:
    configuration = tmp_path / "reader.conf.d"
    configuration.mkdir()
    with pcscd("--config", str(configuration)):
        assert _live_readers() == []
        plugged = PROBE.observe(HostWithLivePcsc(tmp_path / "root")).facts
        assert isinstance(plugged, Smartcard)
        assert [reader.seen_by_pcsc for reader in plugged.readers] == [False]


class EndsMidway:
    """The live PC/SC, whose service is killed before the question about readers; another has started by its end."""

    def __init__(self, scard: Scard, service: subprocess.Popen[bytes], again: Callable[[], object]) -> None:
        self._scard, self._service, self._again = scard, service, again
        self._ended = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._scard, name)

    def SCardListReaders(self, context: int, groups: Sequence[str]) -> tuple[int, list[str]]:
        if not self._ended:
            self._ended = True
            assert self._service.poll() is None
            self._service.kill()
            self._service.wait(60)
            answer = self._scard.SCardListReaders(context, groups)
            assert answer[0] != self._scard.SCARD_S_SUCCESS
            self._again()
            return answer
        return self._scard.SCardListReaders(context, groups)


@needs_pcscd
def test_a_service_that_is_killed_and_started_again_during_a_scan_shows_its_readers(pcsc_lock: None) -> None:
    with ExitStack() as stack, pcscd() as service:
        wait(lambda: len(_live_readers()) == len(PORTS))

        class Host_(Host):
            def pcsc(self) -> Scard:
                return cast(Scard, EndsMidway(super().pcsc(), service, lambda: stack.enter_context(pcscd())))

        facts = PROBE.observe(Host_()).facts
        assert isinstance(facts, Smartcard)
        assert facts.service == Smartcard.RUNNING
        assert [reader.name for reader in facts.readers] == ["Virtual PCD 00 00", "Virtual PCD 00 01"]


@needs_pcscd
def test_a_service_that_is_killed_during_a_scan_is_stopped(pcsc_lock: None, tmp_path: Path) -> None:
    with pcscd() as service:
        wait(lambda: len(_live_readers()) == len(PORTS))

        class Host_(HostWithLivePcsc):
            def pcsc(self) -> Scard:
                return cast(Scard, EndsMidway(super().pcsc(), service, lambda: None))

        seen = PROBE.observe(Host_(tmp_path))
    assert isinstance(seen.facts, Smartcard)
    assert seen.facts.service == Smartcard.STOPPED
    assert not any(reader.HasField("seen_by_pcsc") for reader in seen.facts.readers)


@needs_pcscd
def test_empty_readers_hold_no_card(two_readers: None) -> None:
    assert _live_readers() == [
        Reader(name=f"Virtual PCD 00 0{slot}", seen_by_pcsc=True, card_present=False, card_held=False)
        for slot in range(len(PORTS))
    ]


@needs_pcscd
@pytest.mark.parametrize("atr", _ATRS.values(), ids=_ATRS.keys())
def test_a_card_gives_its_atr_and_is_sent_nothing(atr: str, two_readers: None) -> None:
    with _inserted(atr) as card:
        reader, empty = _live_readers()
    assert (reader.atr, reader.card_mute) == (bytes.fromhex(atr), False)
    assert not empty.card_present
    assert (card.apdus, card.resets) == ([], 0)


@needs_pcscd
def test_two_cards_are_told_apart(two_readers: None) -> None:
    with _inserted(_ATRS["CPS4"]) as first, _inserted(_ATRS["Vitale 2"], slot=1) as second:
        atrs = [reader.atr for reader in _live_readers()]
    assert atrs == [bytes.fromhex(_ATRS["CPS4"]), bytes.fromhex(_ATRS["Vitale 2"])]
    assert (first.apdus, second.apdus) == ([], [])


@needs_pcscd
def test_a_card_that_another_program_holds_gives_its_atr_all_the_same(two_readers: None) -> None:
    with _inserted(_ATRS["CPS3"]) as card, held_by_another_program():
        held, empty = _live_readers()
        assert (held.atr, held.card_held) == (bytes.fromhex(_ATRS["CPS3"]), True)
        assert not empty.card_held
    assert card.apdus == []


@needs_pcscd
@pytest.mark.parametrize("atr", ["FFFFFFFFFF", "3B9F"])
def test_a_card_that_answers_garbage_at_power_on_spoils_nothing(atr: str, two_readers: None) -> None:
    with _inserted(_ATRS["CPS4"], slot=1):
        faulty = VirtualCard(bytes.fromhex(atr), PORTS[0])
        try:
            time.sleep(1)
            garbage, good = _live_readers()
        finally:
            faulty.eject()
        assert good.atr == bytes.fromhex(_ATRS["CPS4"])
        assert not garbage.HasField("atr") or garbage.atr == bytes.fromhex(atr)
        assert faulty.apdus == []
    wait(lambda: not _live_readers()[0].card_present)


def test_without_pyscard_the_bus_still_shows_the_reader(tmp_path: Path) -> None:
    class WithoutPyscard(HostWithLivePcsc):
        def pcsc(self) -> Scard:
            raise Unsupported("Installer pyscard.")

    seen = PROBE.observe(WithoutPyscard(tmp_path))
    assert seen.facts == Smartcard(readers=[Reader(usb_vendor=0x08E6, usb_product=0x3437, driver_installed=True)])
    assert seen.detail == "Installer pyscard."


@pytest.mark.parametrize(
    ("pcsc", "problem"),
    [
        ({"service": "refused"}, NotPermitted),
        ({"service": "stopped"}, Unsupported),
        ({"code": 0x80100014}, Unsupported),
    ],
)
def test_a_machine_that_shows_neither_bus_nor_service_has_no_readers_known(
    pcsc: dict[str, object], problem: type[Exception], tmp_path: Path
) -> None:
    story = {"secrets": [], "files": {"/usr/sbin/pcscd": ""}, "pcsc": pcsc}
    with pytest.raises(problem, match=r"PC/SC"):
        PROBE.observe(FixtureHost(tmp_path, story, "blind"))


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("Gemalto PC Twin Reader (12345678) 00 00", "Gemalto PC Twin Reader 00 00"),
        ("Gemalto USB SmartCard Reader 0", "Gemalto USB SmartCard Reader 0"),
        (
            "OMNIKEY 5422 [OMNIKEY 5422CL Smartcard Reader] (AB12) 01 00",
            "OMNIKEY 5422 [OMNIKEY 5422CL Smartcard Reader] 01 00",
        ),
        ("Kapelse eS-KAP-Ad [0A12345678] 00 00", "Kapelse eS-KAP-Ad 00 00"),
        ("Identiv SCR3310 v2.0 [CCID Interface] (21121745123456) 00 00", "Identiv SCR3310 v2.0 [CCID Interface] 00 00"),
        ("Microsoft UICC ISO Reader 8a9d4d2b 0", "Microsoft UICC ISO Reader 0"),
        ("Lecteur (a (b 99) 1234) 00 00", "Lecteur 00 00"),
    ],
)
def test_a_reader_is_named_without_its_serial_number(told: str, kept: str) -> None:
    assert reader_name(told) == kept


@given(st.text("0123456789ABCDEF", min_size=8, max_size=20).filter(lambda serial: any(map(str.isdigit, serial))))
def test_no_serial_number_is_left_in_a_name(serial: str) -> None:
    for name in (f"Model ({serial}) 00 00", f"Model {serial} 0", f"Model [Contact] ({serial}) 00 01"):
        assert serial not in reader_name(name)


@given(st.text())
def test_any_name_loses_its_parentheses_and_nothing_fails(name: str) -> None:
    assert len(reader_name(name)) <= len(name)


_TWIN, _OMNIKEY = UsbReader((0x08E6, 0x3437)), UsbReader((0x076B, 0x5422))
_DRIVERS = Drivers({_TWIN.id: "Gemalto PC Twin Reader", _OMNIKEY.id: "HID OMNIKEY 5422"})


def test_two_slots_of_one_device_are_two_readers_and_leave_none_unseen() -> None:
    slots = [Slot("HID OMNIKEY 5422 [CL] 00 00", Card.NONE), Slot("HID OMNIKEY 5422 01 00", Card.NONE)]
    assert [reader.usb_product for reader in join([_OMNIKEY], slots, _DRIVERS)] == [0x5422, 0x5422]


def test_of_two_devices_alike_the_one_without_a_slot_is_unseen() -> None:
    readers = join([_TWIN, _TWIN], [Slot("Gemalto PC Twin Reader 00 00", Card.NONE)], _DRIVERS)
    assert [reader.seen_by_pcsc for reader in readers] == [True, False]


def test_a_virtual_reader_does_not_hide_a_device_without_driver() -> None:
    readers = join([_TWIN], [Slot("Virtual PCD 00 00", Card.NONE)], _DRIVERS)
    assert [(reader.name, reader.seen_by_pcsc) for reader in readers] == [("Virtual PCD 00 00", True), ("", False)]
    assert not readers[0].HasField("usb_vendor")


def test_where_drivers_say_nothing_devices_and_slots_go_in_order() -> None:
    for drivers in (None, Drivers({})):
        readers = join([_TWIN, _OMNIKEY], [Slot("A 00 00", Card.NONE), Slot("B 01 00", Card.NONE)], drivers)
        assert [reader.usb_vendor for reader in readers] == [0x08E6, 0x076B]


@pytest.mark.parametrize(("drivers", "installed"), [(_DRIVERS, False), (Drivers({}, take_all=True), True)])
def test_a_reader_that_is_not_seen_tells_what_holds_it_and_whether_a_driver_would_take_it(
    drivers: Drivers, installed: bool
) -> None:
    nfc = UsbReader((0x072F, 0x2200), kernel_driver="pn533_usb")
    assert join([nfc], [], drivers) == [
        Reader(
            usb_vendor=0x072F,
            usb_product=0x2200,
            seen_by_pcsc=False,
            kernel_driver="pn533_usb",
            driver_installed=installed,
        )
    ]


class Leaving(ScriptedPcsc):
    """PC/SC that ends after some questions, then starts again."""

    def __init__(self, ends_at: str, code: int, times: int) -> None:
        super().__init__({"slots": [{"name": "Lecteur 00 00", "state": 0x20, "atr": _ATRS["CPS3"]}]})
        self._ends_at, self._code, self._times = ends_at, code, times

    def _ends(self, question: str) -> bool:
        self._times -= question == self._ends_at
        return question == self._ends_at and self._times >= 0

    def SCardListReaders(self, context: int, groups: Sequence[str]) -> tuple[int, list[str]]:
        return (self._code, []) if self._ends("list") else super().SCardListReaders(context, groups)

    def SCardGetStatusChange(
        self, context: int, timeout: int, states: Sequence[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        return (self._code, []) if self._ends("state") else super().SCardGetStatusChange(context, timeout, states)


@pytest.mark.parametrize("ends_at", ["list", "state"])
@pytest.mark.parametrize("code", [0x8010001D, 0x8010001E, 0x80100013, 0x80100003])
@pytest.mark.parametrize(("times", "service"), [(1, Smartcard.RUNNING), (2, Smartcard.STOPPED)])
def test_a_service_that_leaves_in_the_midst_is_asked_once_more(
    ends_at: str, code: int, times: int, service: int, tmp_path: Path
) -> None:
    host = FixtureHost(tmp_path, {"secrets": [], "directories": ["/sys/bus/usb/devices"]}, "leaving")
    host.scripted_pcsc = Leaving(ends_at, code, times)
    facts = PROBE.observe(host).facts
    assert isinstance(facts, Smartcard)
    assert facts.service == service
    assert len(facts.readers) == (service == Smartcard.RUNNING)
    assert host.scripted_pcsc.open_contexts == 0


@pytest.mark.skipif(not Path("/usr/lib/pcsc/drivers/ifd-ccid.bundle").exists(), reason="libccid is not installed")
def test_the_bundle_of_libccid_names_the_common_readers_and_takes_all() -> None:
    drivers = parse_bundle(Path("/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist").read_bytes())
    assert drivers.names[_TWIN.id].startswith("Gemalto PC Twin Reader")
    assert len(drivers.names) > 300
    assert drivers.take((1, 2))


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["ifdVendorID", "ifdProductID", "ifdFriendlyName"]),
        st.text("0x1", max_size=4)
        | st.lists(st.text("0x1", max_size=4) | st.integers(0, 9), max_size=2)
        | st.integers(0, 9),
    ).map(plistlib.dumps)
)
def test_any_bytes_are_a_bundle_or_a_parse_error(content: bytes) -> None:
    try:
        assert all(vendor >= 0 for vendor, _ in parse_bundle(content).names)
    except ParseError as problem:
        assert str(problem).endswith(".")


@given(
    st.binary()
    | st.lists(
        st.dictionaries(
            st.sampled_from(["bInterfaceClass", "idVendor", "idProduct", "locationID"]),
            st.integers(0, 12) | st.text("ab", max_size=2),
        )
    ).map(plistlib.dumps)
)
def test_any_bytes_are_interfaces_of_the_bus_or_a_parse_error(content: bytes) -> None:
    try:
        assert all(isinstance(number, int) for reader in parse_usb_interfaces(content) for number in reader.id)
    except (ParseError, Unsupported) as problem:
        assert str(problem).endswith(".")
