"""What a probe is."""

from collections.abc import Callable
from dataclasses import dataclass, field

from google.protobuf.message import Message

from prerequis_agent.host import Host


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe brings back: a sub-message of Facts, and one French sentence about what it could not see."""

    facts: Message
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """One observer of the machine; its module's name is its name and the name of its field in Facts."""

    name: str
    observe: Callable[[Host], Observation]
    """Returns what is there; raises ProbeError when it cannot look. A field left unset means not known."""
    about: str = ""
    """What it looks at, one French sentence for the technician and the privacy notice."""
    administrator: str = ""
    """What only an administrator's account sees of it, in French; empty when any account sees all."""
    deadline_seconds: float = 10.0
    cpu_budget_seconds: float = 2.0
    alone: bool = False
    """Runs after all the others, with nothing beside it: it loads what it measures."""
    uses_surroundings: bool = False
    """Asks the host for the site's plan or the collector, which cost a call over the network."""
    reads: tuple[str, ...] = field(default=())
    """Paths it reads, for the documentation and the sandbox; * stands for one path component. A Windows path has
    backslashes."""
    commands: tuple[str, ...] = field(default=())
    """Programs it runs through the host."""
    registry: tuple[str, ...] = field(default=())
    """Registry keys it reads, the 64-bit view's names; * stands for one component."""
    cim: tuple[str, ...] = field(default=())
    """CIM classes it asks, as `root/cimv2:Win32_Battery`."""
    win32: tuple[str, ...] = field(default=())
    """Calls of `windows.api.Win32` that it makes."""
