"""Observes what policy imposes on the macros of Word, Excel and PowerPoint."""

from prerequis.v1.exposure_pb2 import Macros
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.plists import parse_settings
from prerequis_agent.probe import Observation, Probe

_PROGRAMS = ("Word", "Excel", "PowerPoint")
_POLICY = r"Software\Policies\Microsoft\Office\16.0\{}\Security"
_NO_POLICY = "Aucune stratégie n'impose de règle aux macros : chacun peut la changer."
# All macros run: the least strict value of VBAWarnings; 4 is the strictest.
_ALL_MACROS = 1
_PREFERENCES = "/Library/Managed Preferences/com.microsoft.office.plist"
# Microsoft, "Set preferences for macros in Office for Mac", in the numbers of VBAWarnings.
_EXECUTION = {"EnabledWithoutWarnings": 1, "DisabledWithWarnings": 2, "DisabledWithoutWarnings": 4}


def parse_preferences(content: bytes) -> int | None:
    """Return VisualBasicMacroExecutionState as VBAWarnings, None when not imposed; raises ParseError."""
    return _EXECUTION.get(str(parse_settings(content).get("VisualBasicMacroExecutionState")))


def observe(host: Host) -> Observation:
    """Return what is imposed on whoever is signed on, the least strict of the programs; raises Unsupported on Linux."""
    attributes = Attributes(host)
    facts = Macros()
    if host.platform == "win32":
        keys = [f"{hive}\\{_POLICY.format(program)}" for hive in attributes.hives() for program in _PROGRAMS]
        blocked = [attributes.dword(key, "blockcontentexecutionfrominternet") for key in keys]
        warnings = [attributes.dword(key, "vbawarnings") for key in keys]
        fill(facts, blocked_from_internet=_all_blocked(blocked), warnings=_least_strict(warnings))
    elif host.platform == "darwin":
        content = host.read_bytes(_PREFERENCES)
        fill(facts, warnings=parse_preferences(content) if content is not None else None)
    else:
        raise Unsupported("Les macros d'Office n'existent que sous Windows et macOS.")
    return Observation(facts, attributes.detail(facts, {}) or ("" if facts.ByteSize() else _NO_POLICY))


def _all_blocked(values: list[int | None]) -> bool | None:
    if 0 in values:
        return False
    return None if None in values else True


def _least_strict(values: list[int | None]) -> int | None:
    """Return the lowest value, or None while a program for which none is imposed may have a lower one."""
    imposed = [value for value in values if value is not None]
    return min(imposed) if len(imposed) == len(values) or _ALL_MACROS in imposed else None


PROBE = Probe(
    name="macros",
    observe=observe,
    about="Réglage des macros d'Office.",
    reads=(_PREFERENCES,),
    registry=("HKU", *(f"{hive}\\{_POLICY.format('*')}" for hive in ("HKCU", r"HKU\*"))),
)
