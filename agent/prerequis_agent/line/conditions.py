"""Under which conditions a line is measured: what carries the bytes away, and what else the machine is doing.

The interface is what the probes of network and Wi-Fi see, asked anew at the moment of the measurement.
"""

import hashlib
import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType

from prerequis.v1.exposure_pb2 import Proxy, Wifi
from prerequis.v1.facts_pb2 import Facts, Interface
from prerequis.v1.line_pb2 import LineConditions
from prerequis_agent.attempt import attempt
from prerequis_agent.errors import ProbeError, Unsupported
from prerequis_agent.host import Host

METHOD_VERSION = 1
"""Raised when figures of two versions may no longer be compared."""

QUIET_SECONDS = 1.0
"""How long the other traffic of this machine is watched before."""

BUSY_LOAD = 0.7
"""Share of all processor cores above which a measurement is put off."""

PATIENCE_SECONDS = 15.0
"""How long it is put off for at most; the flags then tell."""

USUAL_BITS_PER_SECOND = 10e6
"""The rate asked for where the number of users is not known."""

BUSY_SHARE = 0.05
"""Share of the rate asked for above which this machine's own other traffic puts a measurement off."""

_KINDS = {
    Interface.ETHERNET: LineConditions.ETHERNET,
    Interface.WIFI: LineConditions.WIRELESS,
    Interface.MOBILE: LineConditions.CELLULAR,
    Interface.TUNNEL: LineConditions.TUNNEL,
    Interface.VIRTUAL: LineConditions.OTHER,
}
# DefaultMediaCost of Windows: 1 free, 2 paid by volume.
_MEDIA_COST = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\NetworkList\DefaultMediaCost"
_MEDIA = {LineConditions.ETHERNET: "Ethernet", LineConditions.WIRELESS: "WiFi", LineConditions.CELLULAR: "4G"}
_METERED = 2
_ARP = "/proc/net/arp"


@dataclass(frozen=True, slots=True)
class Attachment:
    """What this machine's traffic to the collector leaves by; None is what is not known."""

    interface: Interface | None = None
    wifi: Wifi = field(default_factory=Wifi)
    proxy: Proxy = field(default_factory=Proxy)
    gateways: tuple[str, ...] = ()
    metered: bool | None = None

    @property
    def kind(self) -> LineConditions.Interface.ValueType | None:
        """The kind of the interface."""
        if self.interface is None or not self.interface.HasField("kind"):
            return None
        return _KINDS.get(self.interface.kind)

    @property
    def bits_per_second(self) -> float | None:
        """The rate of the link."""
        if self.kind == LineConditions.WIRELESS and self.wifi.HasField("speed_bits_per_second"):
            return float(self.wifi.speed_bits_per_second)
        if self.interface is None or not self.interface.HasField("speed_bits_per_second"):
            return None
        return float(self.interface.speed_bits_per_second)


def attachment(host: Host, local_address: str) -> Attachment:
    """Return what carries the address that this machine has on the way to the collector."""
    facts = Facts()
    for name in ("network", "wifi", "proxy"):
        # By name: probes know nothing of each other, and what one sees here is what it sees in a scan.
        probe = importlib.import_module(f"prerequis_agent.probes.{name}").PROBE
        facts.MergeFrom(attempt(probe, host, time.thread_time)[0])
    carrier = _interface_of(host, local_address)
    interface = next((each for each in facts.network.interfaces if each.name == carrier), None)
    if interface is None and carrier is None:
        interface = next((each for each in facts.network.interfaces if each.carries_default_route), None)
    found = Attachment(interface, facts.wifi, facts.proxy, tuple(facts.network.gateways.addresses))
    return Attachment(found.interface, found.wifi, found.proxy, found.gateways, _metered(host, found))


def gateway_digest(host: Host, gateways: tuple[str, ...], finess: str) -> bytes:
    """Return SHA-256 of the first gateway's link address, salted with the site's number; empty where not known."""
    for gateway in gateways:
        link = _link_address(host, gateway)
        if link:
            return hashlib.sha256(f"{finess}/{link}".encode()).digest()
    return b""


def fill(conditions: LineConditions, attached: Attachment) -> None:
    """Set what is known of the attachment."""
    conditions.method_version = METHOD_VERSION
    kind, rate = attached.kind, attached.bits_per_second
    if kind is not None:
        conditions.interface = kind
        conditions.vpn = kind == LineConditions.TUNNEL
    if rate is not None:
        conditions.link_bits_per_second = rate
    if kind == LineConditions.WIRELESS:
        if attached.wifi.HasField("frequency_mhz"):
            conditions.wifi_megahertz = attached.wifi.frequency_mhz
        if attached.wifi.HasField("signal_dbm"):
            conditions.wifi_signal_dbm = attached.wifi.signal_dbm
    if attached.proxy.HasField("configured"):
        conditions.proxy = attached.proxy.configured
    if attached.metered is not None:
        conditions.metered = attached.metered


@dataclass(slots=True)
class Quiet:
    """What the machine did of its own just before: None is what is not known."""

    other_bits_per_second: float | None = None
    machine_load: float | None = None

    def is_busy(self, asked_bits_per_second: float) -> bool:
        """Return whether a measurement of such a rate would rather show this machine's other work."""
        traffic = self.other_bits_per_second or 0.0
        return (self.machine_load or 0.0) > BUSY_LOAD or traffic > BUSY_SHARE * asked_bits_per_second


def quiet(host: Host, interface: str | None, asked_bits_per_second: float, patience_seconds: float) -> Quiet:
    """Return what the machine does of its own, at a moment when that is little, or at the last when there is none."""
    limit = time.perf_counter() + patience_seconds
    found = watch(host, interface)
    while found.is_busy(asked_bits_per_second) and time.perf_counter() < limit:
        found = watch(host, interface)
    return found


def watch(host: Host, interface: str | None) -> Quiet:
    """Return what the machine does of its own for QUIET_SECONDS."""
    try:
        psutil = host.psutil()
    except Unsupported:
        return Quiet()
    before = _moved(psutil, interface)
    psutil.cpu_percent()
    started = time.perf_counter()
    time.sleep(QUIET_SECONDS)
    taken = time.perf_counter() - started
    after = _moved(psutil, interface)
    load = psutil.cpu_percent() / 100
    traffic = None if before is None or after is None else max(0.0, 8 * (after - before) / taken)
    return Quiet(traffic, load)


@dataclass(slots=True)
class Load:
    """What the measurement itself cost: shares of one core, and of all cores."""

    process: float = 0.0
    machine: float | None = None
    clock_step_seconds: float = 0.0
    """How far the wall clock moved beside the steady one."""


@contextmanager
def loaded(host: Host) -> Iterator[Load]:
    """Give what the process and the machine spend while the `with` lasts, complete at its end."""
    load = Load()
    try:
        psutil = host.psutil()
        psutil.cpu_percent()
    except Unsupported:
        psutil = None
    wall, steady, spent = time.time(), time.perf_counter(), time.process_time()
    try:
        yield load
    finally:
        taken = max(time.perf_counter() - steady, 1e-6)
        load.process = (time.process_time() - spent) / taken
        load.clock_step_seconds = abs(time.time() - wall - taken)
        if psutil is not None:
            load.machine = psutil.cpu_percent() / 100


def _moved(psutil: ModuleType, interface: str | None) -> int | None:
    """Return the bytes that an interface received and sent; of all but loopback where it is not known."""
    counters = psutil.net_io_counters(pernic=True)
    if interface is not None:
        counters = {name: each for name, each in counters.items() if name == interface}
    else:
        counters = {name: each for name, each in counters.items() if not name.lower().startswith("lo")}
    return sum(each.bytes_recv + each.bytes_sent for each in counters.values()) if counters else None


def _interface_of(host: Host, local_address: str) -> str | None:
    try:
        interfaces = host.psutil().net_if_addrs()
    except Unsupported:
        return None
    wanted = local_address.partition("%")[0]
    for name, addresses in interfaces.items():
        if any(each.address.partition("%")[0] == wanted for each in addresses):
            return str(name)
    return None


def _metered(host: Host, attached: Attachment) -> bool | None:
    """Return whether the connection is paid by volume, as the system says; a mobile one is unless it says otherwise."""
    said = None
    try:
        if host.platform == "win32" and attached.kind in _MEDIA:
            cost = host.registry_value(_MEDIA_COST, _MEDIA[attached.kind])
            said = None if not isinstance(cost, int) else cost == _METERED
        elif host.platform == "linux" and attached.interface is not None:
            answer = host.run("nmcli", "-t", "-f", "GENERAL.METERED", "device", "show", attached.interface.name)
            said = parse_metered(answer.stdout)
    except ProbeError:
        said = None
    return True if said is None and attached.kind == LineConditions.CELLULAR else said


def parse_metered(text: str) -> bool | None:
    """Return what nmcli says of a device, such as `GENERAL.METERED:yes (guessed)`; None when it does not know."""
    word = text.strip().partition(":")[2].partition(" ")[0]
    return {"yes": True, "no": False}.get(word)


def _link_address(host: Host, gateway: str) -> str | None:
    try:
        if host.platform == "win32":
            rows = host.cim("root/StandardCimv2", "MSFT_NetNeighbor", "LinkLayerAddress", where={"IPAddress": gateway})
            return next((str(row["LinkLayerAddress"]).lower() for row in rows if row["LinkLayerAddress"]), None)
        if host.platform == "linux":
            return parse_arp(host.read_text(_ARP) or "", gateway)
    except ProbeError:
        return None
    return None


def parse_arp(text: str, address: str) -> str | None:
    """Return the link address that /proc/net/arp gives for an IPv4 address, or None."""
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) >= 4 and words[0] == address and words[3] != "00:00:00:00:00:00":
            return words[3].lower()
    return None
