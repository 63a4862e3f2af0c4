"""Observes antivirus and EDR: the Security Center and Defender on Windows, the listed products elsewhere.

`root/SecurityCenter2` is never asked: Microsoft documents nothing of its productState. On a server, which has no
Security Center, Defender and the services of the list speak for themselves.
"""

import re
from datetime import datetime

from prerequis.v1.software_pb2 import Antivirus, AntivirusProduct
from prerequis_agent import programs
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import ProbeError, Unreadable, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.windows.api import CimValue
from prerequis_agent.windows.moments import parse_cim_datetime

_DEFENDER = ("root/Microsoft/Windows/Defender", "MSFT_MpComputerStatus")
_DEFENDER_FIELDS = (
    "AMServiceEnabled", "AntivirusEnabled", "RealTimeProtectionEnabled", "DefenderSignaturesOutOfDate",
    "AntivirusSignatureLastUpdated", "QuickScanEndTime", "FullScanEndTime",
)  # fmt: skip
# Microsoft translates the words around it, never the brand; Bitdefender is another one.
_BRAND = re.compile(r"\bdefender\b", re.IGNORECASE)
_ON, _RUNNING = 0, 4

# The unit of a service that runs has a control group (systemd, cgroup version 2, then 1).
_GROUPS = ("/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/systemd/system.slice")
_CLAMAV_BASES = ("/var/lib/clamav/daily.cld", "/var/lib/clamav/daily.cvd")
_CLAMAV_ON_ACCESS = "clamav-clamonacc.service"
# Since macOS 15, then before.
_XPROTECT = (
    "/var/protected/xprotect/XProtect.bundle/Contents/Info.plist",
    "/Library/Apple/System/Library/CoreServices/XProtect.bundle/Contents/Info.plist",
)
_XPROTECT_SCANS = re.compile(r"^\s*XProtect (?:launch|background) scans:\s*(enabled|disabled)\s*$", re.MULTILINE)


def parse_xprotect(text: str) -> bool | None:
    """Return whether `xprotect status` says that both kinds of scans are on; None when it does not say it of both."""
    scans = _XPROTECT_SCANS.findall(text)
    return scans == ["enabled", "enabled"] if len(scans) == 2 else None


def observe(host: Host) -> Observation:
    """Return the products that protect this machine, or that are there and do not; an empty list means none."""
    attributes = Attributes(host)
    look = {"win32": _on_windows, "darwin": _on_macos}.get(host.platform, _on_linux)
    facts = Antivirus(products=look(host, attributes))
    return Observation(facts, attributes.detail(facts, {}))


def _on_windows(host: Host, attributes: Attributes) -> list[AntivirusProduct]:
    known: list[AntivirusProduct] | None = None
    defender: AntivirusProduct | None = None
    with attributes.part():
        known = _security_center(host)
    with attributes.part():
        defender = _defender(host, attributes)
    for product in known or []:
        if defender is not None and _BRAND.search(product.name):
            # The Security Center knows whether Defender steps back for another product.
            defender.ClearField("name")
            defender.ClearField("active")
            product.MergeFrom(defender)
    products = known if known is not None else [defender] if defender is not None else []
    products += _listed(host, attributes, [product.name for product in products])
    if not products and not _security_center_runs(host):
        raise Unreadable("Windows ne dit rien de l'antivirus : ni le Centre de sécurité, ni Defender ne répondent.")
    return products


def _security_center(host: Host) -> list[AntivirusProduct] | None:
    """Return the products of the Security Center, or None on a server, which has none."""
    try:
        products = host.win32().security_products("antivirus")
    except Unsupported:
        return None
    return [
        AntivirusProduct(name=each.name, active=each.state == _ON, signatures_current=each.signatures_current)
        for each in products
    ]


def _defender(host: Host, attributes: Attributes) -> AntivirusProduct | None:
    """Return what Defender says of itself, or None where it is not there or says nothing."""
    try:
        rows = host.cim(*_DEFENDER, *_DEFENDER_FIELDS)
    except Unsupported:
        return None
    if not rows:
        return None
    status = rows[0]
    product = AntivirusProduct(name="Microsoft Defender")
    enabled, real_time = status["AntivirusEnabled"], status["RealTimeProtectionEnabled"]
    if isinstance(enabled, bool):
        product.active = enabled and status["AMServiceEnabled"] is not False
    if isinstance(real_time, bool):
        product.real_time = real_time
    if isinstance(outdated := status["DefenderSignaturesOutOfDate"], bool):
        product.signatures_current = not outdated
    with attributes.part():
        # A date that never was is absent: the ages beside them say 4294967295.
        if updated := _moment(status["AntivirusSignatureLastUpdated"]):
            product.signatures_at.FromDatetime(updated)
        scans = [moment for name in ("QuickScanEndTime", "FullScanEndTime") if (moment := _moment(status[name]))]
        if scans:
            product.scanned_at.FromDatetime(max(scans))
    return product


def _moment(value: CimValue) -> datetime | None:
    return parse_cim_datetime(value) if isinstance(value, str) and value else None


def _security_center_runs(host: Host) -> bool:
    try:
        service = host.win32().service("wscsvc")
    except ProbeError:
        return False
    return service is not None and service.state == _RUNNING


def _listed(host: Host, attributes: Attributes, told: list[str]) -> list[AntivirusProduct]:
    """Return the listed products that are installed and that nobody has told yet, as an EDR beside an antivirus."""
    products = []
    with attributes.part():
        for each in programs.inventory(host).of("antivirus"):
            program = each.program
            if any(program.id.partition("-")[0] in name.casefold() for name in told):
                continue
            product = AntivirusProduct(name=program.id)
            service = host.win32().service(program.service) if program.service else None
            if service is not None:
                product.active = service.state == _RUNNING
            products.append(product)
    return products


def _on_linux(host: Host, attributes: Attributes) -> list[AntivirusProduct]:
    products = []
    for each in programs.inventory(host).of("antivirus"):
        product = AntivirusProduct(name=each.program.id)
        running = _runs(host, each.program.unit) if each.program.unit else None
        if running is not None:
            product.active = running
        if each.program.id == "clamav":
            on_access = _runs(host, _CLAMAV_ON_ACCESS)
            if on_access is not None:
                product.real_time = on_access
            with attributes.part():
                updates = [moment for base in _CLAMAV_BASES if (moment := host.modified_at(base))]
                if updates:
                    product.signatures_at.FromDatetime(max(updates))
        products.append(product)
    return products


def _runs(host: Host, unit: str) -> bool | None:
    """Return whether a unit of systemd runs, or None where nothing tells."""
    if not any(host.exists(groups) for groups in _GROUPS):
        return None
    return any(host.exists(f"{groups}/{unit}") for groups in _GROUPS)


def _on_macos(host: Host, attributes: Attributes) -> list[AntivirusProduct]:
    built_in = AntivirusProduct(name="XProtect")
    with attributes.part():
        active = parse_xprotect(host.run("xprotect", "status").stdout)
        if active is not None:
            built_in.active = active
    with attributes.part():
        updates = [moment for path in _XPROTECT if (moment := host.modified_at(path))]
        if updates:
            built_in.signatures_at.FromDatetime(max(updates))
    listed = [AntivirusProduct(name=each.program.id) for each in programs.inventory(host).of("antivirus")]
    return [built_in, *listed]


PROBE = Probe(
    name="antivirus",
    observe=observe,
    about="Antivirus et EDR : produit, protection active, âge des signatures.",
    reads=(
        *programs.READS, *(f"{groups}/*" for groups in _GROUPS), *_CLAMAV_BASES, *_XPROTECT,
    ),
    commands=(*programs.COMMANDS, "xprotect"),
    registry=programs.REGISTRY,
    cim=(":".join(_DEFENDER),),
    win32=("security_products", "service"),
)  # fmt: skip
