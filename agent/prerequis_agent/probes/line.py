"""The site's line as this machine sees it: delays, then as much of its rate as the collector lets it load."""

from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe


def observe(host: Host) -> Observation:
    """Return one measurement of the line; raises Unsupported when the collector lends it to another machine."""
    collector = host.surroundings.collector
    if collector is None:
        raise Unsupported("La ligne se mesure vers le collecteur : enrôler ce poste d'abord.")
    # With threads, TLS and the probes of the network: only for who measures.
    from prerequis_agent.line import conditions
    from prerequis_agent.line.cross_check import cross_checks
    from prerequis_agent.line.measure import look, measure, obstructed
    from prerequis_agent.line.way import Obstructed

    try:
        plan = host.surroundings.plan
        before = look(host, collector, plan, conditions.PATIENCE_SECONDS)
        with collector.lease() as lease:
            line, detail = measure(host, collector, lease, before)
            line.cross_checks.extend(cross_checks(host, lease.renew))
            lease.report(line)
    except Obstructed as obstacle:
        return Observation(obstructed(collector, obstacle), str(obstacle))
    return Observation(line, detail)


PROBE = Probe(
    "line",
    observe,
    about="Débit et délai de la ligne jusqu'au collecteur.",
    deadline_seconds=120.0,
    cpu_budget_seconds=8.0,
    alone=True,
    uses_surroundings=True,
    reads=("/proc/net/arp",),
    commands=("iperf3", "nmcli"),
    registry=(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\NetworkList\DefaultMediaCost",),
    cim=("root/StandardCimv2:MSFT_NetNeighbor",),
)
