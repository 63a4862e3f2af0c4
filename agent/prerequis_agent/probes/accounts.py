"""Counts the local accounts that open a session, and those that should not. Never a name or an identifier."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from prerequis.v1.access_pb2 import Accounts
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.plists import Plist, read_plist, run_plist
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.unix_accounts import Account, Secret, parse_passwd, parse_shadow
from prerequis_agent.windows.api import LocalAccount

# ANSSI's guide asks to close accounts that are no longer needed (measure 6); it gives no delay, 180 days is ours.
_DORMANT_AFTER = timedelta(days=180)
# UF_ACCOUNTDISABLE and UF_PASSWD_NOTREQD of lmaccess.h.
_DISABLED, _NO_PASSWORD_NEEDED = 0x2, 0x20
# Relative identifiers that Windows gives to its own accounts in every language.
_ADMINISTRATOR, _GUEST = 500, 501
_DAY_SECONDS = 86_400

_USERS = ("dscl", "-plist", ".", "-readall", "/Users", "UniqueID", "AuthenticationAuthority")

_LABELS = {
    "guest_enabled": "compte invité", "built_in_administrator_enabled": "administrateur intégré",
    "enabled": "comptes ouverts", "without_password": "comptes sans mot de passe",
    "dormant": "comptes inutilisés depuis 180 jours",
}  # fmt: skip
_UNIX_LABELS = _LABELS | {"extra_superusers": "autres comptes d'identifiant 0"}


def observe(host: Host) -> Observation:
    """Return the counts; raises NotPermitted, Unsupported or ParseError when nothing is known."""
    facts = Accounts()
    attributes = Attributes(host)
    if host.platform == "win32":
        _fill_from_windows(host.win32().local_accounts(), facts)
        return Observation(facts, attributes.detail(facts, _LABELS))
    if host.platform == "darwin":
        _fill_from_macos(host, attributes, facts)
    else:
        _fill_from_linux(attributes, facts)
    if facts == Accounts():
        raise attributes.absence("ses comptes")
    return Observation(facts, attributes.detail(facts, _UNIX_LABELS))


def _fill_from_windows(accounts: list[LocalAccount], facts: Accounts) -> None:
    if not accounts:
        # The built-in administrator is always there, if only disabled.
        raise ParseError("Windows ne liste aucun compte : rien n'est vérifiable.")
    enabled = [account for account in accounts if not account.flags & _DISABLED]
    facts.guest_enabled = any(account.rid == _GUEST for account in enabled)
    facts.built_in_administrator_enabled = any(account.rid == _ADMINISTRATOR for account in enabled)
    facts.enabled = len(enabled)
    facts.without_password = sum(bool(account.flags & _NO_PASSWORD_NEEDED) for account in enabled)
    logons = [account.last_logon for account in enabled]
    # An account that shows no session may be new, or be used through the network: it is neither dormant nor in use.
    if None not in logons:
        limit = datetime.now(UTC) - _DORMANT_AFTER
        facts.dormant = sum(logon < limit for logon in logons if logon)


def _fill_from_linux(attributes: Attributes, facts: Accounts) -> None:
    text = attributes.text("/etc/passwd")
    if text is None:
        return
    accounts = parse_passwd(text)
    facts.extra_superusers = sum(account.uid == 0 and account.name != "root" for account in accounts)
    shadow = attributes.text("/etc/shadow")
    if shadow is None:
        return
    secrets = parse_shadow(shadow)
    opened = {account.name: secret for account in accounts if (secret := _opens(account, secrets))}
    facts.built_in_administrator_enabled = "root" in opened
    facts.enabled = len(opened)
    facts.without_password = sum(not secret.hash for secret in opened.values())
    # No guest session is left on Linux but LightDM's, which opens under an account of its own: none is listed here.
    # The last sessions of lastlog and wtmp leave graphical ones out: they would call an account in daily use dormant.


def _opens(account: Account, secrets: Mapping[str, Secret]) -> Secret | None:
    """Return the secret of an account that a password, or none at all, opens."""
    secret = secrets.get(account.name) if account.secret == "x" else Secret(account.secret, None)  # noqa: S105
    if not secret or not secret.usable or not account.opens_sessions:
        return None
    closed = secret.expires_on is not None and secret.expires_on * _DAY_SECONDS < time.time()
    return None if closed else secret


def _fill_from_macos(host: Host, attributes: Attributes, facts: Accounts) -> None:
    users = parse_users(run_plist(host, *_USERS))
    # Below 501 are the accounts of the system's services.
    opened = [uid for uid, opens in users if opens and (uid == 0 or uid > 500)]
    facts.enabled = len(opened)
    facts.built_in_administrator_enabled = 0 in opened
    facts.extra_superusers = sum(uid == 0 for uid, _ in users) - 1
    with attributes.part():
        window = read_plist(host, "/Library/Preferences/com.apple.loginwindow.plist") or {}
        guest = window.get("GuestEnabled")
        if isinstance(guest, int):
            facts.guest_enabled = bool(guest)


def parse_users(answer: Plist) -> list[tuple[int, bool]]:
    """Return the number of each account that `dscl` lists and whether something opens it.

    An account without an authentication authority, or whose authority is disabled, opens nothing (dscl(1)).
    """
    users = []
    for record in answer if isinstance(answer, list) else []:
        if isinstance(record, dict):
            numbers = record.get("dsAttrTypeStandard:UniqueID")
            authorities = record.get("dsAttrTypeStandard:AuthenticationAuthority")
            if isinstance(numbers, list) and numbers and str(numbers[0]).lstrip("-").isdecimal():
                known = authorities if isinstance(authorities, list) else []
                users.append((int(str(numbers[0])), bool(known) and ";DisabledUser;" not in "".join(map(str, known))))
    if not any(uid == 0 for uid, _ in users):
        raise ParseError("dscl ne liste pas les comptes.")
    return users


PROBE = Probe(
    name="accounts",
    observe=observe,
    about="Comptes locaux, en nombre : actifs, sans mot de passe, inutilisés, invité.",
    administrator="les comptes sans mot de passe (Linux)",
    reads=("/etc/passwd", "/etc/shadow", "/Library/Preferences/com.apple.loginwindow.plist"),
    commands=("dscl",),
    win32=("local_accounts",),
)
