"""Looks for smart-card readers on the USB bus, and for what may keep PC/SC from taking them up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.plists import parse_entries, parse_settings
from prerequis_agent.windows.api import CimValue

_USB = "/sys/bus/usb/devices"
# USB Device Class Definition for integrated circuit(s) card devices (CCID).
_SMART_CARD_CLASS = "0b"
# Each driver of pcsc-lite says in its bundle which USB ids it drives and how it names them; one of this name takes up
# every reader of the class (libccid; hotplug_libudev.c of pcsc-lite).
_DRIVERS = ("/usr/lib/pcsc/drivers", "/usr/lib64/pcsc/drivers")
_CLASS_DRIVER = "CCIDCLASSDRIVER"
# macOS describes each interface of the bus; `-a` writes a property list.
_IOREG = ("ioreg", "-a", "-l", "-r", "-d", "1", "-c", "IOUSBHostInterface")
# The device class of smart-card readers, and of USB interfaces that Windows has no driver for.
_READER_CLASS, _NO_DRIVER = "{50dd5230-ba8a-11d1-bf5d-0000f805f530}", 28
_USB_DEVICE = re.compile(r"USB\\VID_([0-9A-F]{4})&PID_([0-9A-F]{4})", re.IGNORECASE)

READS = (
    *(f"{_USB}/*/{attribute}" for attribute in ("bInterfaceClass", "driver", "idProduct", "idVendor")),
    *(f"{place}/*/Contents/Info.plist" for place in _DRIVERS),
)
"""What is read on Linux."""

COMMANDS = (_IOREG[0],)
"""What is run on macOS."""

CIM = ("root/cimv2:Win32_PnPEntity",)
"""What is asked on Windows."""

UsbId = tuple[int, int]


@dataclass(frozen=True, slots=True)
class UsbReader:
    """A reader on the USB bus; None is what its system does not tell."""

    id: UsbId
    problem_code: int | None = None
    """Windows: ConfigManagerErrorCode."""
    kernel_driver: str | None = None
    """Linux: the kernel driver that holds its interface."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """The drivers of pcsc-lite."""

    names: Mapping[UsbId, str]
    """What they call the devices that they list."""
    take_all: bool = False
    """One takes up every reader of the class."""

    def take(self, usb_id: UsbId) -> bool:
        """Return whether one of them takes a reader up."""
        return self.take_all or usb_id in self.names


def parse_bundle(content: bytes) -> Drivers:
    """Return what a driver's Info.plist says that it drives; raises ParseError on another form."""
    bundle = parse_settings(content)
    try:
        vendors, products, names = (_column(bundle[key]) for key in ("ifdVendorID", "ifdProductID", "ifdFriendlyName"))
        ids = [(int(vendor, 16), int(product, 16)) for vendor, product in zip(vendors, products, strict=True)]
        listed = dict(zip(ids, names, strict=True))
    except (KeyError, ValueError):
        raise ParseError("Un pilote de lecteur se décrit mal.") from None
    return Drivers(listed, bundle.get("CFBundleName") == _CLASS_DRIVER)


def _column(value: object) -> list[str]:
    """Return one property of each device: a driver of one reader gives a string, one of many gives a list."""
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def parse_usb_interfaces(content: bytes) -> list[UsbReader]:
    """Return the readers among the USB interfaces that `ioreg` describes; raises ParseError on another form.

    Raises Unsupported when it says nothing, which proves nothing. A device with several interfaces of the class is one
    reader: they share its place on the bus.
    """
    if not content.strip():
        raise Unsupported("macOS ne montre pas son bus USB.")
    devices = {}
    for entry in parse_entries(content):
        vendor, product = entry.get("idVendor"), entry.get("idProduct")
        is_reader = entry.get("bInterfaceClass") == int(_SMART_CARD_CLASS, 16)
        if is_reader and isinstance(vendor, int) and isinstance(product, int):
            devices[entry.get("locationID"), vendor, product] = UsbReader((vendor, product))
    return sorted(devices.values(), key=lambda reader: reader.id)


def usb_readers(host: Host, attributes: Attributes) -> list[UsbReader] | None:
    """Return each smart-card reader on the USB bus, or None when there is no bus to see; raises ProbeError."""
    if host.platform == "linux":
        return _on_linux(host, attributes)
    if host.platform == "win32":
        return _on_windows(host)
    if host.platform == "darwin":
        # In pieces, which a recorded machine does not keep: it tells serial numbers too.
        return parse_usb_interfaces(b"".join(host.run_in_pieces(*_IOREG)))
    raise Unsupported("Ce système ne montre pas son bus USB.")


def _on_windows(host: Host) -> list[UsbReader]:
    """Return each reader on the USB bus, those without a driver too; no serial number."""
    fields = ("PNPDeviceID", "ConfigManagerErrorCode")
    rows = host.cim("root/cimv2", "Win32_PnPEntity", *fields, where={"ClassGuid": _READER_CLASS})
    bare = host.cim(
        "root/cimv2", "Win32_PnPEntity", *fields, "CompatibleID", where={"ConfigManagerErrorCode": _NO_DRIVER}
    )
    rows += [row for row in bare if _is_of_reader_class(row["CompatibleID"])]
    found = []
    for row in rows:
        device, code = _USB_DEVICE.match(str(row["PNPDeviceID"])), row["ConfigManagerErrorCode"]
        if device:
            usb_id = (int(device[1], 16), int(device[2], 16))
            found.append(UsbReader(usb_id, problem_code=code if isinstance(code, int) else None))
    return sorted(found, key=lambda reader: reader.id)


def _is_of_reader_class(compatible: CimValue) -> bool:
    return isinstance(compatible, list) and any(str(each).upper().startswith("USB\\CLASS_0B") for each in compatible)


def _on_linux(host: Host, attributes: Attributes) -> list[UsbReader] | None:
    """Return each smart-card reader on the USB bus, or None when there is no bus to see."""
    names = attributes.names(_USB)
    if names is None:
        return None
    # An interface is named after its device: 1-2:1.0 belongs to 1-2.
    interfaces = {
        name.partition(":")[0]: name
        for name in names
        if ":" in name and attributes.text(f"{_USB}/{name}/bInterfaceClass") == _SMART_CARD_CLASS
    }
    found = []
    for device, interface in sorted(interfaces.items()):
        vendor = attributes.number(f"{_USB}/{device}/idVendor", 16)
        product = attributes.number(f"{_USB}/{device}/idProduct", 16)
        if vendor is not None and product is not None:
            driver = host.read_link(f"{_USB}/{interface}/driver")
            found.append(UsbReader((vendor, product), kernel_driver=driver.rpartition("/")[2] if driver else None))
    return found


def drivers_of(host: Host) -> Drivers:
    """Return what the drivers of pcsc-lite say of themselves (Linux)."""
    names: dict[UsbId, str] = {}
    take_all = False
    for place in _DRIVERS:
        for bundle in host.list_dir(place):
            content = host.read_bytes(f"{place}/{bundle}/Contents/Info.plist")
            if content is not None:
                drivers = parse_bundle(content)
                names |= drivers.names
                take_all |= drivers.take_all
    return Drivers(names, take_all)
