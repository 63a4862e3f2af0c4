"""Observes the chain from the PC/SC service to the card: service, readers, and the ATR that the card gave at power-on.

Readers are looked for in two ways, on the USB bus (class 0x0B, USB Device Class Definition for CCID devices) and by
PC/SC, so that a reader without a driver shows. A card is never connected to: SCardGetStatusChange gives the ATR while
another program holds the card, and sends it nothing.
"""

import plistlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from xml.parsers.expat import ExpatError

from prerequis.v1.facts_pb2 import Reader, Smartcard
from prerequis_agent.atr import without_serial
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import NotPermitted, ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.pcsc import Scard
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.windows.api import CimValue

_USB = "/sys/bus/usb/devices"
_SMART_CARD_CLASS = "0b"
# Each driver of pcsc-lite says in its bundle which USB ids it drives and how it names them.
_DRIVERS = ("/usr/lib/pcsc/drivers", "/usr/lib64/pcsc/drivers")
_SERVICE_PROGRAMS = ("/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd")
# The device class of smart-card readers, and of USB interfaces that Windows has no driver for.
_READER_CLASS, _NO_DRIVER = "{50dd5230-ba8a-11d1-bf5d-0000f805f530}", 28
_USB_DEVICE = re.compile(r"USB\\VID_([0-9A-F]{4})&PID_([0-9A-F]{4})", re.IGNORECASE)
_WINDOWS_SERVICE, _RUNNING, _DISABLED = "SCardSvr", 4, 4
_SLOT = re.compile(r"(?: [0-9A-F]{2}){2}$")
# The interface in brackets tells two slots apart, unless it has the look of a serial number.
_BRACKETED_SERIAL = re.compile(r"\s*\[(?=[^\] ]*[0-9][^\] ]*[0-9])[^\] ]{4,}\]")
_IN_PARENTHESES = re.compile(r"\s*\([^()]*\)")
_BARE_SERIAL = re.compile(r"\s*\b(?=[0-9A-Fa-f]*[0-9])[0-9A-Fa-f]{8,}\b")

UsbId = tuple[int, int]


class Card(Enum):
    """Whether a reader holds a card."""

    NONE = auto()
    ANSWERING = auto()
    MUTE = auto()


@dataclass(frozen=True, slots=True)
class Slot:
    """What PC/SC says of one reader; `card` is None when it does not say."""

    name: str
    card: Card | None
    atr: bytes = b""


@dataclass(frozen=True, slots=True)
class PcscView:
    """What PC/SC says; `slots` is None when it could not be asked, and `remedy` tells what to do."""

    service: Smartcard.Service.ValueType | None
    slots: list[Slot] | None
    remedy: str = ""


_ABSENT = PcscView(Smartcard.ABSENT, None, "Le service PC/SC n'est pas installé : installer le paquet pcscd.")
_STOPPED = PcscView(Smartcard.STOPPED, None, "Le service PC/SC (carte à puce) est arrêté : le démarrer.")
_FORBIDDEN = PcscView(
    Smartcard.STOPPED, None, "Le service Windows « Carte à puce » est désactivé : le remettre en démarrage manuel."
)
_AT_REST = PcscView(Smartcard.STOPPED, None, "Le service « Carte à puce » est arrêté et aucun lecteur n'est branché.")


def reader_name(pcsc_name: str) -> str:
    """Return a PC/SC reader name without the serial number that drivers append.

    pcsc-lite makes names of the form `model [interface] (serial) 00 00`.
    """
    name, found = pcsc_name, 1
    while found:
        name, found = _IN_PARENTHESES.subn("", name)
    slot = _SLOT.search(name)
    tail = slot[0] if slot else ""
    model = _BARE_SERIAL.sub("", _BRACKETED_SERIAL.sub("", name.removesuffix(tail)))
    return f"{model}{tail}".strip()


def parse_bundle(content: bytes) -> dict[UsbId, str]:
    """Return the names that a driver's Info.plist gives to the USB ids it drives; raises ParseError on another form."""
    try:
        bundle = plistlib.loads(content)
        keys = ("ifdVendorID", "ifdProductID", "ifdFriendlyName")
        # A driver of one reader gives strings, one of many gives lists of the same length.
        columns = [[value] if isinstance(value := bundle[key], str) else value for key in keys]
        return {(int(vendor, 16), int(product, 16)): str(name) for vendor, product, name in zip(*columns, strict=True)}
    except (plistlib.InvalidFileException, ExpatError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise ParseError("Un pilote de lecteur se décrit mal.") from None


def join(usb: Sequence[UsbId], slots: Sequence[Slot] | None, names: dict[UsbId, str]) -> list[Reader]:
    """Return one reader for each slot of PC/SC, then one for each device of the USB bus that PC/SC does not show.

    `names` is what the drivers call their devices: by it a slot finds its device.
    """
    unseen = list(usb)
    readers = []
    for slot in slots or []:
        reader = _reader(slot)
        # Without a word from the drivers, devices and slots are taken in the order in which they come.
        driven = [usb_id for usb_id in usb if slot.name.startswith(names.get(usb_id, "\0"))] if names else unseen[:1]
        # The longest name is the most precise; a device with several slots is found by each of them.
        found = max(driven, key=lambda usb_id: (len(names.get(usb_id, "")), usb_id in unseen), default=None)
        if found:
            reader.usb_vendor, reader.usb_product = found
            if found in unseen:
                unseen.remove(found)
        readers.append(reader)
    for vendor, product in unseen:
        reader = Reader(usb_vendor=vendor, usb_product=product)
        if slots is not None:
            reader.seen_by_pcsc = False
        readers.append(reader)
    return readers


def _reader(slot: Slot) -> Reader:
    reader = Reader(name=reader_name(slot.name), seen_by_pcsc=True)
    if slot.card is not None:
        reader.card_present = slot.card is not Card.NONE
    if slot.card in (Card.ANSWERING, Card.MUTE):
        reader.card_mute = slot.card is Card.MUTE
    if slot.card is Card.ANSWERING and slot.atr:
        reader.atr = without_serial(slot.atr)
    return reader


def observe(host: Host) -> Observation:
    """Return the service and the readers.

    Raises NotPermitted or Unsupported, with the remedy, when neither the USB bus nor PC/SC can be asked.
    """
    attributes = Attributes(host)
    usb: list[UsbId] | None = None
    with attributes.part():
        if host.platform == "linux":
            usb = _usb_ids(attributes)
        elif host.platform == "win32":
            usb = _windows_usb_ids(host)
    view = _ask(host)
    if host.platform == "win32":
        view = _with_windows_service(host, view, usb)
    if usb is None and view.slots is None:
        raise (NotPermitted if view.service == Smartcard.REFUSED else Unsupported)(view.remedy)
    names: dict[UsbId, str] = {}
    with attributes.part():
        names = _driver_names(host) if usb and host.platform == "linux" else {}
    facts = Smartcard(readers=join(usb or [], view.slots, names))
    if view.service is not None:
        facts.service = view.service
    told = [view.remedy, attributes.detail(facts, {})]
    if usb is None and host.platform in ("linux", "win32"):
        told.append("Le bus USB n'est pas visible : un lecteur sans pilote ne se verrait pas.")
    return Observation(facts, " ".join(filter(None, told)))


def _with_windows_service(host: Host, view: PcscView, usb: list[UsbId] | None) -> PcscView:
    """Return what PC/SC says, corrected by what the service control manager knows of its service."""
    if view.slots is not None or view.service == Smartcard.REFUSED:
        return view
    try:
        service = host.win32().service(_WINDOWS_SERVICE)
    except (NotPermitted, Unsupported):
        return view
    if service is None:
        return PcscView(Smartcard.ABSENT, None, "Ce Windows n'a pas le service « Carte à puce ».")
    if service.start == _DISABLED:
        return _FORBIDDEN
    if service.state == _RUNNING:
        return PcscView(Smartcard.RUNNING, None, view.remedy)
    # Windows starts it when a reader is plugged in.
    return _AT_REST if usb == [] else _STOPPED


def _windows_usb_ids(host: Host) -> list[UsbId]:
    """Return the vendor and product of each reader on the USB bus, those without a driver too; no serial number."""
    rows = host.cim("root/cimv2", "Win32_PnPEntity", "PNPDeviceID", where={"ClassGuid": _READER_CLASS})
    bare = host.cim(
        "root/cimv2", "Win32_PnPEntity", "PNPDeviceID", "CompatibleID", where={"ConfigManagerErrorCode": _NO_DRIVER}
    )
    rows += [row for row in bare if _is_of_reader_class(row["CompatibleID"])]
    found = (_USB_DEVICE.match(str(row["PNPDeviceID"])) for row in rows)
    return sorted((int(device[1], 16), int(device[2], 16)) for device in found if device)


def _is_of_reader_class(compatible: CimValue) -> bool:
    return isinstance(compatible, list) and any(str(each).upper().startswith("USB\\CLASS_0B") for each in compatible)


def _usb_ids(attributes: Attributes) -> list[UsbId] | None:
    """Return the vendor and product of each smart-card reader on the USB bus, or None when there is no bus to see."""
    names = attributes.names(_USB)
    if names is None:
        return None
    # An interface is named after its device: 1-2:1.0 belongs to 1-2.
    devices = {
        name.partition(":")[0]
        for name in names
        if ":" in name and attributes.text(f"{_USB}/{name}/bInterfaceClass") == _SMART_CARD_CLASS
    }
    found = []
    for device in sorted(devices):
        vendor = attributes.number(f"{_USB}/{device}/idVendor", 16)
        product = attributes.number(f"{_USB}/{device}/idProduct", 16)
        if vendor is not None and product is not None:
            found.append((vendor, product))
    return found


def _driver_names(host: Host) -> dict[UsbId, str]:
    names: dict[UsbId, str] = {}
    for place in _DRIVERS:
        for bundle in host.list_dir(place):
            content = host.read_bytes(f"{place}/{bundle}/Contents/Info.plist")
            if content is not None:
                names |= parse_bundle(content)
    return names


def _ask(host: Host) -> PcscView:
    try:
        scard = host.pcsc()
    except Unsupported as problem:
        return PcscView(None, None, str(problem)) if _is_installed(host) else _ABSENT
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if result in (scard.SCARD_E_NO_SERVICE, scard.SCARD_E_SERVICE_STOPPED):
        return _STOPPED if _is_installed(host) else _ABSENT
    if result == scard.SCARD_W_SECURITY_VIOLATION:
        return PcscView(Smartcard.REFUSED, None, "Le service PC/SC refuse le compte de l'agent : relancer avec sudo.")
    if result != scard.SCARD_S_SUCCESS:
        return PcscView(None, None, f"Le service PC/SC répond par l'erreur 0x{result & 0xFFFFFFFF:08X}.")
    try:
        return _slots(scard, context)
    finally:
        scard.SCardReleaseContext(context)


def _is_installed(host: Host) -> bool:
    # Elsewhere than on Linux the service is a part of the system.
    return host.platform != "linux" or any(host.exists(program) for program in _SERVICE_PROGRAMS)


def _slots(scard: Scard, context: int) -> PcscView:
    result, names = scard.SCardListReaders(context, [])
    if result == scard.SCARD_E_NO_READERS_AVAILABLE:
        return PcscView(Smartcard.RUNNING, [])
    if result != scard.SCARD_S_SUCCESS:
        return PcscView(
            Smartcard.RUNNING, None, f"PC/SC ne liste pas les lecteurs (erreur 0x{result & 0xFFFFFFFF:08X})."
        )
    slots = []
    for name in names:
        # One by one, so that a reader unplugged meanwhile spoils nothing for the others.
        result, states = scard.SCardGetStatusChange(context, 0, [(name, scard.SCARD_STATE_UNAWARE)])
        if result == scard.SCARD_S_SUCCESS and states and not states[0][1] & scard.SCARD_STATE_UNAVAILABLE:
            slots.append(Slot(name, _card(scard, states[0][1]), bytes(states[0][2])))
        else:
            slots.append(Slot(name, None))
    return PcscView(Smartcard.RUNNING, slots)


def _card(scard: Scard, state: int) -> Card:
    if not state & scard.SCARD_STATE_PRESENT:
        return Card.NONE
    return Card.MUTE if state & scard.SCARD_STATE_MUTE else Card.ANSWERING


PROBE = Probe(
    name="smartcard",
    observe=observe,
    about="Lecteurs de carte à puce, service PC/SC et type de la carte présente ; la carte n'est jamais lue.",
    administrator="le service PC/SC, quand il est réservé à certains comptes (Linux)",
    reads=(
        f"{_USB}/*/bInterfaceClass",
        f"{_USB}/*/idProduct",
        f"{_USB}/*/idVendor",
        *(f"{place}/*/Contents/Info.plist" for place in _DRIVERS),
        *_SERVICE_PROGRAMS,
    ),
    cim=("root/cimv2:Win32_PnPEntity",),
    win32=("service",),
)
