"""CIM of the machine that the agent runs on, by the scripting interface of WMI (pywin32)."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

from collections.abc import Mapping
from typing import Any

import pythoncom
import win32com.client

from prerequis_agent.errors import NotPermitted, ProbeError, TimedOut, Unreadable, Unsupported
from prerequis_agent.windows.api import CimValue
from prerequis_agent.windows.com import apartment

# WbemErrorEnum (wbemcli.h) and HRESULTs (winerror.h).
_REFUSALS = frozenset({0x80041003, 0x80070005, 0x80041062})  # ACCESS_DENIED, E_ACCESSDENIED, PRIVILEGE_NOT_HELD
_ABSENCES = frozenset(
    {
        0x80041002,  # NOT_FOUND
        0x8004100E,  # INVALID_NAMESPACE
        0x80041010,  # INVALID_CLASS
        0x80041017,  # INVALID_QUERY: a property that this Windows does not have yet
        0x80041013,  # PROVIDER_LOAD_FAILURE
        0x80041011,  # PROVIDER_NOT_FOUND
        0x8004100C,  # NOT_SUPPORTED
        0x80070422,  # ERROR_SERVICE_DISABLED
    }
)
_TIMED_OUT = 0x80043001
# wbemFlagReturnImmediately | wbemFlagForwardOnly: rows come as they are found and are not kept.
_FLAGS = 0x30
# CIMTYPE_ENUMERATION: sint64 and uint64, uint32.
_64_BITS, _UINT32 = frozenset({20, 21}), 19


def rows(
    namespace: str, class_name: str, properties: tuple[str, ...], where: Mapping[str, str | int | bool]
) -> list[Mapping[str, CimValue]]:
    """Return the named properties of each object of a class whose properties equal those of `where`."""
    conditions = " AND ".join(f"{name} = {_literal(value)}" for name, value in where.items())
    # Names come from probes; values may come from the machine and are quoted.
    query = f"SELECT {', '.join(properties)} FROM {class_name}" + (f" WHERE {conditions}" if where else "")  # noqa: S608
    with apartment():
        try:
            services = win32com.client.Dispatch("WbemScripting.SWbemLocator").ConnectServer(".", namespace)
            found = services.ExecQuery(query, "WQL", _FLAGS)
            return [{name: _plain(each.Properties_(name)) for name in properties} for each in found]
        except pythoncom.com_error as problem:
            raise translated(problem, f"{namespace}:{class_name}") from None


def _literal(value: str | int | bool) -> str:
    return quoted(value) if isinstance(value, str) else str(value).upper()


def quoted(text: str) -> str:
    """Return a text as WQL and object paths write it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _plain(property_: "win32com.client.CDispatch") -> CimValue:
    value = property_.Value
    if isinstance(value, tuple):
        return [_number(each, property_) for each in value]
    return _number(value, property_)


def _number(value: CimValue, property_: "win32com.client.CDispatch") -> CimValue:
    # The scripting interface gives 64 bits as text and 32 bits without a sign as a signed number; the type, one more
    # call, is asked only of what may be such a number.
    if isinstance(value, str) and value.lstrip("-").isdecimal() and _type(property_) in _64_BITS:
        return int(value)
    if isinstance(value, int) and value < 0 and _type(property_) == _UINT32:
        return value & 0xFFFFFFFF
    return value


def _type(property_: "win32com.client.CDispatch") -> int | None:
    try:
        return int(property_.CIMType)
    except pythoncom.com_error:  # Wine does not tell it
        return None


def translated(problem: Any, subject: str) -> ProbeError:
    """Return the agent's error for one of COM about `subject`, a namespace and a class."""
    # pythoncom.com_error, whose stub lacks both attributes.
    details = problem.excepinfo
    code = ((details and details[5]) or problem.hresult) & 0xFFFFFFFF
    if code in _REFUSALS:
        return NotPermitted(f"Le compte de l'agent n'a pas le droit d'interroger {subject}.")
    if code in _ABSENCES:
        return Unsupported(f"Ce Windows n'a pas {subject}.")
    if code == _TIMED_OUT:
        return TimedOut(f"{subject} n'a pas répondu.")
    return Unreadable(f"{subject} ne répond pas (erreur {code:#010x}).")
