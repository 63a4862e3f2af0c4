"""The audit policy in force, by ctypes: what `auditpol` shows, without its translated names."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import contextlib
import ctypes
import uuid
from collections.abc import Callable, Iterator
from ctypes import wintypes
from typing import Any

import win32api
import win32security

from prerequis_agent.windows.failures import failure

_SUBJECT = "la stratégie d'audit"
_QUERY_AND_ADJUST = 0x28
# ntsecapi.h: POLICY_AUDIT_EVENT_SUCCESS | POLICY_AUDIT_EVENT_FAILURE; 4 is POLICY_AUDIT_EVENT_NONE.
_SUCCESS_AND_FAILURE = 3


class _Guid(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_ubyte * 16),)


class _Information(ctypes.Structure):
    """AUDIT_POLICY_INFORMATION."""

    _fields_ = (("subcategory", _Guid), ("setting", wintypes.ULONG), ("category", _Guid))


def policy() -> dict[str, int]:
    """Return the audit in force by subcategory GUID: 0 none, 1 success, 2 failure, 3 both."""
    api = ctypes.WinDLL("advapi32", use_last_error=True)
    subcategories, count, found = ctypes.c_void_p(), wintypes.ULONG(), ctypes.c_void_p()
    with _security_privilege():
        _check(api.AuditEnumerateSubCategories(None, True, ctypes.byref(subcategories), ctypes.byref(count)))
        try:
            _check(api.AuditQuerySystemPolicy(subcategories, count, ctypes.byref(found)))
            rows = (_Information * count.value).from_address(found.value or 0)
            return {_text(row.subcategory): row.setting & _SUCCESS_AND_FAILURE for row in rows}
        finally:
            api.AuditFree(subcategories)
            if found:
                api.AuditFree(found)


@contextlib.contextmanager
def _security_privilege() -> Iterator[None]:
    """Use, for the time of a `with`, the privilege that an administrator has and that is off until asked for."""
    token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), _QUERY_AND_ADJUST)
    privilege = win32security.LookupPrivilegeValue("", "SeSecurityPrivilege")
    # The stubs ask for a type that pywin32 makes of this list by itself.
    adjust: Callable[..., Any] = win32security.AdjustTokenPrivileges
    before = adjust(token, False, [(privilege, win32security.SE_PRIVILEGE_ENABLED)])
    try:
        yield
    finally:
        adjust(token, False, before)


def _text(guid: _Guid) -> str:
    return str(uuid.UUID(bytes_le=bytes(guid.bytes)))


def _check(succeeded: int) -> None:
    if not succeeded:
        raise failure(ctypes.get_last_error(), _SUBJECT)
