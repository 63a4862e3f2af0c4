"""Observes the chain from the PC/SC service to the card: service, readers, and the ATR that the card gave at power-on.

Readers are looked for in two ways, on the USB bus (class 0x0B, USB Device Class Definition for CCID devices) and by
PC/SC, so that a reader without a driver shows, with what may explain it. A card is never connected to:
SCardGetStatusChange gives the ATR while another program holds the card, and sends it nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from prerequis.v1.facts_pb2 import Reader, Smartcard
from prerequis_agent import usb_readers
from prerequis_agent.atr import without_serial
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import NotPermitted, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.pcsc import Scard
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.usb_readers import Drivers, UsbReader

_SERVICE_PROGRAMS = ("/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd")
_WINDOWS_SERVICE, _RUNNING, _DISABLED = "SCardSvr", 4, 4
_SLOT = re.compile(r"(?: [0-9A-F]{2}){2}$")
# The interface in brackets tells two slots apart, unless it has the look of a serial number.
_BRACKETED_SERIAL = re.compile(r"\s*\[(?=[^\] ]*[0-9][^\] ]*[0-9])[^\] ]{4,}\]")
_IN_PARENTHESES = re.compile(r"\s*\([^()]*\)")
_BARE_SERIAL = re.compile(r"\s*\b(?=[0-9A-Fa-f]*[0-9])[0-9A-Fa-f]{8,}\b")


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
    held: bool = False
    """Another program holds the card for itself."""


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


def join(usb: Sequence[UsbReader], slots: Sequence[Slot] | None, drivers: Drivers | None) -> list[Reader]:
    """Return one reader for each slot of PC/SC, then one for each device of the USB bus that PC/SC does not show.

    `drivers` tell what they call their devices: by it a slot finds its device. None: they are not known here.
    """
    unseen = list(usb)
    names = drivers.names if drivers else {}
    readers = []
    for slot in slots or []:
        reader = _reader(slot)
        # Without a word from the drivers, devices and slots are taken in the order in which they come.
        driven = [device for device in usb if slot.name.startswith(names.get(device.id, "\0"))] if names else unseen[:1]
        # The longest name is the most precise; a device with several slots is found by each of them.
        found = max(driven, key=lambda device: (len(names.get(device.id, "")), device in unseen), default=None)
        if found:
            reader.usb_vendor, reader.usb_product = found.id
            if found in unseen:
                unseen.remove(found)
        readers.append(reader)
    for device in unseen:
        vendor, product = device.id
        reader = Reader(usb_vendor=vendor, usb_product=product)
        fill(reader, problem_code=device.problem_code, kernel_driver=device.kernel_driver)
        if drivers is not None:
            reader.driver_installed = drivers.take(device.id)
        if slots is not None:
            reader.seen_by_pcsc = False
        readers.append(reader)
    return readers


def _reader(slot: Slot) -> Reader:
    reader = Reader(name=reader_name(slot.name), seen_by_pcsc=True)
    if slot.card is not None:
        reader.card_present = slot.card is not Card.NONE
        reader.card_held = slot.held
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
    usb: list[UsbReader] | None = None
    with attributes.part():
        usb = usb_readers.usb_readers(host, attributes)
    view = _ask(host)
    if host.platform == "win32":
        view = _with_windows_service(host, view, usb)
    if usb is None and view.slots is None:
        raise (NotPermitted if view.service == Smartcard.REFUSED else Unsupported)(view.remedy)
    drivers: Drivers | None = None
    with attributes.part():
        drivers = usb_readers.drivers_of(host) if usb and host.platform == "linux" else None
    facts = Smartcard(readers=join(usb or [], view.slots, drivers))
    if view.service is not None:
        facts.service = view.service
    told = [view.remedy, attributes.detail(facts, {})]
    if usb is None:
        told.append("Le bus USB n'est pas visible : un lecteur sans pilote ne se verrait pas.")
    return Observation(facts, " ".join(filter(None, told)))


def _with_windows_service(host: Host, view: PcscView, usb: list[UsbReader] | None) -> PcscView:
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


def _ask(host: Host) -> PcscView:
    try:
        scard = host.pcsc()
    except Unsupported as problem:
        return PcscView(None, None, str(problem)) if _is_installed(host) else _ABSENT
    # A service that ends and starts again between two questions is asked a second time, from the beginning.
    return _view(host, scard) or _view(host, scard) or _STOPPED


def _view(host: Host, scard: Scard) -> PcscView | None:
    """Return what PC/SC says, or None when it left in the midst of it."""
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


def _slots(scard: Scard, context: int) -> PcscView | None:
    gone = (
        scard.SCARD_E_NO_SERVICE,
        scard.SCARD_E_SERVICE_STOPPED,
        scard.SCARD_F_COMM_ERROR,
        scard.SCARD_E_INVALID_HANDLE,
    )
    result, names = scard.SCardListReaders(context, [])
    if result in gone:
        return None
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
        if result in gone:
            return None
        if result == scard.SCARD_S_SUCCESS and states and not states[0][1] & scard.SCARD_STATE_UNAVAILABLE:
            _, state, atr = states[0]
            slots.append(Slot(name, _card(scard, state), bytes(atr), bool(state & scard.SCARD_STATE_EXCLUSIVE)))
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
    reads=(*usb_readers.READS, *_SERVICE_PROGRAMS),
    commands=usb_readers.COMMANDS,
    cim=usb_readers.CIM,
    win32=("service",),
)
