"""Observes what kind of case the machine has and what feeds it: a laptop leaves the site, and may go to sleep."""

import re

from prerequis.v1.exposure_pb2 import Power
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import Unreadable
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_CHASSIS = "/sys/class/dmi/id/chassis_type"
_SUPPLIES = "/sys/class/power_supply"
_LABELS = {"chassis": "type de boîtier", "battery": "batterie", "on_mains": "branché au secteur"}
# SYSTEM_POWER_STATUS of winbase.h.
_NO_BATTERY, _BATTERY_UNKNOWN, _ON_BATTERY, _ON_MAINS = 128, 255, 0, 1
# SMBIOS 3.7, 7.4.1: bit 7 of the chassis type tells of a lock; 1 and 2 are "other" and "unknown".
_CHASSIS_BITS, _LEAST_CHASSIS, _MOST_CHASSIS = 0x7F, 3, 0x24


def parse_pmset(text: str) -> tuple[bool, bool | None]:
    """Return whether `pmset -g batt` shows a battery and whether mains feed the machine (None: not said).

    Raises Unreadable when it says neither: nothing written proves nothing.
    """
    source = re.search(r"^Now drawing from '(AC|Battery|UPS) Power'", text, re.MULTILINE)
    if not source:
        raise Unreadable("pmset ne dit pas ce qui alimente le poste.")
    return "InternalBattery" in text, {"AC": True, "Battery": False}.get(source[1])


def observe(host: Host) -> Observation:
    """Return the case and the supplies; raises NotPermitted or Unsupported when nothing tells of them."""
    attributes = Attributes(host)
    facts = Power()
    fill = {"linux": _fill_from_linux, "win32": _fill_from_windows, "darwin": _fill_from_macos}.get(host.platform)
    if fill is not None:
        fill(host, attributes, facts)
    if facts == Power():
        raise attributes.absence("ce qui l'alimente")
    # What has no battery and runs is on the mains.
    if facts.HasField("battery") and not facts.battery:
        facts.on_mains = True
    return Observation(facts, attributes.detail(facts, _LABELS))


def _fill_from_linux(host: Host, attributes: Attributes, facts: Power) -> None:
    _fill_chassis(facts, attributes.number(_CHASSIS))
    supplies = attributes.names(_SUPPLIES)
    if supplies is None:
        return
    facts.battery = False
    for name in supplies:
        base = f"{_SUPPLIES}/{name}"
        kind = attributes.text(f"{base}/type")
        # The battery of a mouse has the scope of its device.
        if kind == "Battery" and attributes.text(f"{base}/scope") != "Device":
            facts.battery = True
        online = attributes.number(f"{base}/online")
        if kind in ("Mains", "USB") and online is not None and attributes.text(f"{base}/scope") != "Device":
            facts.on_mains = facts.on_mains or online == 1


def _fill_from_windows(host: Host, attributes: Attributes, facts: Power) -> None:
    with attributes.part():
        for enclosure in host.cim("root/cimv2", "Win32_SystemEnclosure", "ChassisTypes"):
            types = enclosure["ChassisTypes"]
            _fill_chassis(
                facts,
                next((kind for kind in types if isinstance(kind, int)), None) if isinstance(types, list) else None,
            )
            break
    with attributes.part():
        status = host.win32().power_status()
        if status.battery_flag != _BATTERY_UNKNOWN:
            facts.battery = not status.battery_flag & _NO_BATTERY
        if status.ac_line in (_ON_BATTERY, _ON_MAINS):
            facts.on_mains = status.ac_line == _ON_MAINS


def _fill_from_macos(host: Host, attributes: Attributes, facts: Power) -> None:
    with attributes.part():
        facts.battery, on_mains = parse_pmset(host.run("pmset", "-g", "batt").stdout)
        if on_mains is not None:
            facts.on_mains = on_mains


def _fill_chassis(facts: Power, kind: int | None) -> None:
    if kind is not None and _LEAST_CHASSIS <= kind & _CHASSIS_BITS <= _MOST_CHASSIS:
        facts.chassis = kind & _CHASSIS_BITS


PROBE = Probe(
    name="power",
    observe=observe,
    about="Type de boîtier et alimentation.",
    reads=(_CHASSIS, *(f"{_SUPPLIES}/*/{name}" for name in ("online", "scope", "type"))),
    commands=("pmset",),
    cim=("root/cimv2:Win32_SystemEnclosure",),
    win32=("power_status",),
)
