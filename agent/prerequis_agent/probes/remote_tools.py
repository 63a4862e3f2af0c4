"""Observes the programs of the list that let somebody take over the screen."""

from prerequis.v1.software_pb2 import RemoteTools
from prerequis_agent import programs
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe


def observe(host: Host) -> Observation:
    """Return the tools that are there; an empty list means that none of the list is."""
    found = programs.inventory(host)
    tools = dict.fromkeys(each.program.id for each in found.of("remote-tool"))
    return Observation(RemoteTools(tools=tools), found.detail)


PROBE = Probe(
    name="remote_tools",
    observe=observe,
    about="Outils de prise en main à distance d'une liste fermée.",
    reads=programs.READS,
    commands=programs.COMMANDS,
    registry=programs.REGISTRY,
)
