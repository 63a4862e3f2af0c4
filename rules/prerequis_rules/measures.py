"""What the machines of a site measured together."""

from collections.abc import Iterable

from prerequis.v1.context_pb2 import SiteMeasures
from prerequis.v1.facts_pb2 import Facts, Line, System


def measures_of(facts: Iterable[Facts]) -> SiteMeasures:
    """Return the best figures that the site's machines measured; unset what none measured.

    A test can only find less than the line carries, so the greatest rate and the shortest time are nearest to it.
    `censored` is set when the rates come from tests that say whether they ended before the line was full. A line
    measured to the machine itself, or not known to be measured to another one, says nothing. `gateways` counts the
    distinct preferred default gateways. `system_releases` counts the distinct releases of the `systems` that tell it.
    """
    machines = list(facts)
    lines = [machine.line for machine in machines if machine.line.HasField("loopback") and not machine.line.loopback]
    down = max((line for line in lines if line.HasField("down_bits_per_second")), key=_down, default=None)
    up = max((line for line in lines if line.HasField("up_bits_per_second")), key=_up, default=None)
    times = [line.rtt_seconds for line in lines if line.HasField("rtt_seconds")]
    gateways = [machine.network.gateways.addresses for machine in machines if machine.network.HasField("gateways")]
    releases = [release for machine in machines if (release := _release(machine.system)) is not None]
    best = [line for line in (down, up) if line is not None]
    measures = SiteMeasures(
        down_bits_per_second=down.down_bits_per_second if down else None,
        up_bits_per_second=up.up_bits_per_second if up else None,
        rtt_seconds=min(times, default=None),
        gateways=len({addresses[0] for addresses in gateways if addresses}) if gateways else None,
        systems=len(releases) or None,
        system_releases=len(set(releases)) or None,
    )
    if best and all(line.HasField("censored") for line in best):
        measures.censored = any(line.censored for line in best)
    return measures


def _release(system: System) -> tuple[str, str] | None:
    """Return what tells releases apart: the build of Windows, the version of the others."""
    if system.family == System.WINDOWS:
        return ("windows", str(system.build)) if system.HasField("build") else None
    return (system.distribution, system.release) if system.distribution and system.release else None


def _down(line: Line) -> float:
    return line.down_bits_per_second


def _up(line: Line) -> float:
    return line.up_bits_per_second
