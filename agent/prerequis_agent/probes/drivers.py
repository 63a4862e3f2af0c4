"""Observes the drivers of card readers and network cards, with the problem code that Windows gives them.

On Windows the devices come from CIM and their drivers from the registry: Win32_PnPSignedDriver takes seconds.
"""

import re
from datetime import UTC, datetime

from prerequis.v1.software_pb2 import Driver, Drivers
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import NotPermitted, ParseError, ProbeError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.plists import parse_settings
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.windows.api import CimValue

_DEVICES = ("root/cimv2", "Win32_PnPEntity")
_FIELDS = ("Name", "ClassGuid", "PNPDeviceID", "CompatibleID", "ConfigManagerErrorCode", "Present")
_READER = "{50dd5230-ba8a-11d1-bf5d-0000f805f530}"
_NETWORK = "{4d36e972-e325-11ce-bfc1-08002be10318}"
# A reader that Windows has no driver for belongs to no class, but its USB interface says what it is (USB-IF, CCID 1.1).
_CCID = re.compile(r"USB\\Class_0B", re.IGNORECASE)
# Network cards sit on a bus; tunnels and filters are made by software.
_ON_A_BUS = re.compile(r"(PCI|USB|SD|PCMCIA|VMBUS|XENBUS)\\", re.IGNORECASE)
_ENUM = r"HKLM\SYSTEM\CurrentControlSet\Enum"
_CLASSES = r"HKLM\SYSTEM\CurrentControlSet\Control\Class"
_DATE = re.compile(r"([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})")

_USB = "/sys/bus/usb/devices"
_CCID_BUNDLES = ("/usr/lib/pcsc/drivers/ifd-ccid.bundle", "/usr/lib64/pcsc/drivers/ifd-ccid.bundle")


def parse_driver_date(text: str) -> datetime:
    """Return the day (UTC) of a driver's DriverDate, month-day-year in every language; raises ParseError on another."""
    parts = _DATE.fullmatch(text)
    try:
        if parts:
            return datetime(int(parts[3]), int(parts[1]), int(parts[2]), tzinfo=UTC)
    except ValueError:
        pass
    raise ParseError("La date d'un pilote est illisible.")


def driver_class(class_guid: CimValue, compatible: CimValue, device: str) -> Driver.Class.ValueType | None:
    """Return the class of a device of Win32_PnPEntity, or None when it is not one that matters here."""
    guid = class_guid.lower() if isinstance(class_guid, str) else ""
    interfaces = compatible if isinstance(compatible, list) else []
    if guid == _READER or (not guid and any(_CCID.match(each) for each in interfaces if isinstance(each, str))):
        return Driver.SMARTCARD_READER
    if guid == _NETWORK and _ON_A_BUS.match(device):
        return Driver.NETWORK
    return None


def observe(host: Host) -> Observation:
    """Return the drivers of the card readers and network cards that are plugged in."""
    attributes = Attributes(host)
    if host.platform == "win32":
        drivers = _on_windows(host, attributes)
    elif host.platform == "linux":
        drivers = _on_linux(host, attributes)
    else:
        raise Unsupported("macOS livre ses pilotes avec le système : leur version est la sienne.")
    facts = Drivers(drivers=drivers)
    return Observation(facts, attributes.detail(facts, {}))


def _on_windows(host: Host, attributes: Attributes) -> list[Driver]:
    drivers = []
    devices = host.cim(*_DEVICES, *_FIELDS)
    if not devices:
        # No Windows is without devices.
        raise Unsupported("Windows ne liste pas ses périphériques.")
    for device in devices:
        identifier, name = device["PNPDeviceID"], device["Name"]
        if not isinstance(identifier, str) or device["Present"] is False:
            continue
        kind = driver_class(device["ClassGuid"], device["CompatibleID"], identifier)
        if kind is None:
            continue
        driver = Driver(device=name if isinstance(name, str) else None)
        setattr(driver, "class", kind)
        code = device["ConfigManagerErrorCode"]
        if isinstance(code, int):
            driver.problem_code = code
        with attributes.part():
            place = _driver_of(host, identifier)
            if place:
                _fill_driver(attributes, rf"{_CLASSES}\{place}", driver)
        drivers.append(driver)
    return drivers


def _driver_of(host: Host, identifier: str) -> str | None:
    """Return where the registry describes the driver of a device.

    The identifier may end in the device's serial number: no message repeats it.
    """
    try:
        place = host.registry_value(rf"{_ENUM}\{identifier}", "Driver")
    except ProbeError:
        raise NotPermitted(f"Les pilotes ne se lisent pas sous {_ENUM}.") from None
    return place if isinstance(place, str) else None


def _fill_driver(attributes: Attributes, key: str, driver: Driver) -> None:
    fill(driver, provider=attributes.string(key, "ProviderName"), version=attributes.string(key, "DriverVersion"))
    dated = attributes.string(key, "DriverDate")
    if dated:
        with attributes.part():
            driver.dated_at.FromDatetime(parse_driver_date(dated))


def _on_linux(host: Host, attributes: Attributes) -> list[Driver]:
    interfaces = attributes.names("/sys/class/net")
    if interfaces is None:
        raise attributes.absence("ses périphériques")
    drivers = []
    for name in interfaces:
        module = host.read_link(f"/sys/class/net/{name}/device/driver")
        if module:
            drivers.append(_kernel_driver(attributes, name, module.rpartition("/")[2]))
    readers = [
        name
        for name in attributes.names(_USB) or []
        if ":" in name and attributes.text(f"{_USB}/{name}/bInterfaceClass") == "0b"
    ]
    devices = dict.fromkeys(name.partition(":")[0] for name in readers)
    drivers += [_ccid_driver(host, attributes, attributes.text(f"{_USB}/{device}/product")) for device in devices]
    return drivers


def _kernel_driver(attributes: Attributes, device: str, module: str) -> Driver:
    driver = Driver(device=device, provider=module)
    setattr(driver, "class", Driver.NETWORK)
    # Most modules of the kernel itself have no version but its own.
    fill(driver, version=attributes.text(f"/sys/module/{module}/version"))
    return driver


def _ccid_driver(host: Host, attributes: Attributes, device: str | None) -> Driver:
    """Return the driver that PC/SC uses for a reader; without one the provider stays unset."""
    driver = Driver(device=device)
    setattr(driver, "class", Driver.SMARTCARD_READER)
    for bundle in _CCID_BUNDLES:
        with attributes.part():
            content = host.read_bytes(f"{bundle}/Contents/Info.plist")
            version = parse_settings(content).get("CFBundleShortVersionString") if content else None
            if isinstance(version, str):
                driver.provider, driver.version = "ifd-ccid", version
    return driver


PROBE = Probe(
    name="drivers",
    observe=observe,
    about="Pilotes du lecteur de carte et du réseau : fournisseur, version, date, code de problème.",
    reads=(
        "/sys/class/net/*/device/driver",
        "/sys/module/*/version",
        f"{_USB}/*/bInterfaceClass",
        f"{_USB}/*/product",
        *(f"{bundle}/Contents/Info.plist" for bundle in _CCID_BUNDLES),
    ),
    registry=(rf"{_ENUM}\*\*\*", rf"{_CLASSES}\*\*"),
    cim=(":".join(_DEVICES),),
)
