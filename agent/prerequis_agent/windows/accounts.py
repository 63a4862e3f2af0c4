"""Accounts, groups and tokens of the machine, by pywin32. Names and SIDs stay on the machine."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import ctypes
from collections.abc import Callable
from ctypes import wintypes
from datetime import UTC, datetime
from typing import Any

import pywintypes
import win32api
import win32net
import win32security
import win32ts

from prerequis_agent.errors import Unsupported
from prerequis_agent.windows import registry, sessions
from prerequis_agent.windows.api import ConsoleUser, LocalAccount, Member, PasswordRules, Token
from prerequis_agent.windows.failures import failure

_ADMINISTRATORS = "S-1-5-32-544"
_TIMEQ_FOREVER = 0xFFFFFFFF
_NORMAL_ACCOUNTS = 2
_ALL = 0xFFFFFFFF
_TOKEN_QUERY = 8
_ACCOUNT_DOMAIN = 5
_VIEW_LOCAL_INFORMATION = 1


def password_policy() -> PasswordRules:
    """Return what NetUserModalsGet says at levels 0 and 3."""
    rules, lockout = win32net.NetUserModalsGet("", 0), win32net.NetUserModalsGet("", 3)
    return PasswordRules(
        minimum_length=rules["min_passwd_len"],
        lockout_threshold=lockout["lockout_threshold"],
        maximum_age_seconds=_seconds(rules["max_passwd_age"]),
        lockout_seconds=_seconds(lockout["lockout_duration"]),
        lockout_window_seconds=_seconds(lockout["lockout_observation_window"]),
    )


def _seconds(value: int) -> int | None:
    return None if value & 0xFFFFFFFF == _TIMEQ_FOREVER else value


def local_accounts() -> list[LocalAccount]:
    """Return the machine's own accounts, by NetUserEnum at level 3; raises Unsupported on a domain controller."""
    product = registry.value(r"HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions", "ProductType", view32=False)
    if product == "LanmanNT":
        raise Unsupported("Un contrôleur de domaine n'a pas de comptes locaux.")
    accounts, resume = [], 0
    while True:
        found, _, resume = win32net.NetUserEnum(None, 3, _NORMAL_ACCOUNTS, resume)
        accounts += [LocalAccount(each["user_id"], each["flags"], _moment(each["last_logon"])) for each in found]
        if not resume:
            return accounts


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None


class _GroupMember(ctypes.Structure):
    """LOCALGROUP_MEMBERS_INFO_2."""

    _fields_ = (("sid", ctypes.c_void_p), ("use", ctypes.c_int), ("name", wintypes.LPWSTR))


def administrators() -> list[Member]:
    """Return the direct members of S-1-5-32-544; an orphan is a member like another.

    By ctypes: level 2 gives members that no name can be found for, and a system that answers nothing is told apart.
    """
    group, _, _ = win32security.LookupAccountSid(None, win32security.ConvertStringSidToSid(_ADMINISTRATORS))
    api, found, count, total = ctypes.WinDLL("netapi32"), ctypes.c_void_p(), wintypes.DWORD(), wintypes.DWORD()
    status = api.NetLocalGroupGetMembers(
        None, wintypes.LPCWSTR(group), 2, ctypes.byref(found), _ALL, ctypes.byref(count), ctypes.byref(total), None
    )
    if status:
        raise failure(status, "les membres du groupe des administrateurs")
    if not found:
        raise Unsupported("Ce Windows ne donne pas les membres du groupe des administrateurs.")
    try:
        return [Member(_text(row.sid), row.use) for row in (_GroupMember * count.value).from_address(found.value or 0)]
    finally:
        api.NetApiBufferFree(found)


def _text(sid: int) -> str:
    api, text = ctypes.WinDLL("advapi32", use_last_error=True), wintypes.LPWSTR()
    if not api.ConvertSidToStringSidW(ctypes.c_void_p(sid), ctypes.byref(text)):
        raise failure(ctypes.get_last_error(), "un identifiant de sécurité")
    try:
        return text.value or ""
    finally:
        ctypes.WinDLL("kernel32").LocalFree(text)


def machine_sid() -> str:
    """Return the SID of the machine's own account domain, as LSA keeps it; nothing is asked of the network."""
    # The stubs say that it returns nothing.
    query: Callable[..., Any] = win32security.LsaQueryInformationPolicy
    _, sid = query(win32security.LsaOpenPolicy("", _VIEW_LOCAL_INFORMATION), _ACCOUNT_DOMAIN)
    return str(win32security.ConvertSidToStringSid(sid))


def token() -> Token:
    """Return the rights of this process."""
    own = win32security.OpenProcessToken(win32api.GetCurrentProcess(), _TOKEN_QUERY)
    return Token(
        elevated=bool(win32security.GetTokenInformation(own, win32security.TokenElevation)),
        administrator=_is_administrator(own),
    )


def console_user() -> ConsoleUser | None:
    """Return who has the session at the screen; the SYSTEM account, or that user's own, knows all of it."""
    session = sessions.at_the_screen()
    name = "" if session is None else win32ts.WTSQuerySessionInformation(0, session, win32ts.WTSUserName)
    if session is None or not name:
        return None
    try:
        theirs = win32ts.WTSQueryUserToken(session)
    except pywintypes.error:
        if sessions.own() != session or win32api.GetUserName().lower() != name.lower():
            return ConsoleUser(name)
        theirs = win32security.OpenProcessToken(win32api.GetCurrentProcess(), _TOKEN_QUERY)
    sid, _ = win32security.GetTokenInformation(theirs, win32security.TokenUser)
    return ConsoleUser(name, str(win32security.ConvertSidToStringSid(sid)), _is_administrator(theirs))


def _is_administrator(of: int) -> bool:
    # A token that is not elevated lists the group too, for denials only.
    groups = win32security.GetTokenInformation(of, win32security.TokenGroups)
    return any(win32security.ConvertSidToStringSid(sid) == _ADMINISTRATORS for sid, _ in groups)
