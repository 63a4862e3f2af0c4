"""Counts who has an administrator's rights on this machine, by class. Never a name or an identifier."""

from prerequis.v1.access_pb2 import Administrators
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import NotPermitted, ParseError
from prerequis_agent.host import Host
from prerequis_agent.plists import run_plist
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.seat import SEAT_COMMANDS, SEAT_FILES, at_the_screen
from prerequis_agent.sudoers import SUDOERS_FILES, Sudoers, read_sudoers
from prerequis_agent.unix_accounts import Account, Group, parse_group, parse_passwd
from prerequis_agent.windows.api import Member

# SID_NAME_USE (winnt.h).
_USER, _GROUP = 1, 2
# Everyone, Authenticated Users, INTERACTIVE and Users ("Well-known SIDs", Microsoft Learn); Domain Users is RID 513.
_EVERYONE = frozenset({"S-1-1-0", "S-1-5-11", "S-1-5-4", "S-1-5-32-545"})
_DOMAIN_USERS = 513
_BUILT_IN = 500
# Groups that the distributions make administrators, through sudo and polkit.
_GROUPS = frozenset({"sudo", "wheel", "admin"})

_LABELS = {
    "local_users": "administrateurs locaux", "domain_users": "administrateurs du domaine",
    "domain_groups": "groupes du domaine", "everyone": "tout le monde administrateur",
    "at_the_screen": "droits de la personne à l'écran",
}  # fmt: skip
_WINDOWS_LABELS = _LABELS | {"entra_principals": "administrateurs Entra", "unresolved": "membres inconnus"}
_LINUX_LABELS = _LABELS | {"without_password": "accès à root sans mot de passe"}
_MACOS_LABELS = {field: _LABELS[field] for field in ("local_users", "at_the_screen")}


def observe(host: Host) -> Observation:
    """Return the counts; raises NotPermitted or Unsupported when nothing is known."""
    facts = Administrators()
    attributes = Attributes(host)
    if host.platform == "win32":
        with attributes.part():
            _fill_from_windows(host.win32().administrators(), host.win32().machine_sid(), facts)
        with attributes.part():
            person = host.win32().console_user()
            fill(facts, at_the_screen=person.administrator if person else None)
        if facts == Administrators():
            raise attributes.absence("ses administrateurs")
        return Observation(facts, attributes.detail(facts, _WINDOWS_LABELS))
    if host.platform == "darwin":
        _fill_from_macos(host, attributes, facts)
        return Observation(facts, attributes.detail(facts, _MACOS_LABELS))
    _fill_from_linux(host, attributes, facts)
    if facts == Administrators():
        raise attributes.absence("ses administrateurs")
    return Observation(facts, attributes.detail(facts, _LINUX_LABELS))


def _fill_from_windows(members: list[Member], machine: str, facts: Administrators) -> None:
    if not members:
        # The built-in administrator cannot leave the group.
        raise ParseError("Windows ne liste aucun administrateur : rien n'est vérifiable.")
    classes = [classify(member, machine) for member in members]
    facts.everyone = "everyone" in classes
    for field in ("local_users", "domain_users", "domain_groups", "entra_principals", "unresolved"):
        setattr(facts, field, classes.count(field))


def classify(member: Member, machine: str) -> str:
    """Return the field of Administrators that counts a member, `everyone`, or nothing for the built-in account.

    The SID tells it, in every language: S-1-12-1 is Entra ID, the rest of a local one is the machine's own.
    """
    domain, _, last = member.sid.rpartition("-")
    rid = int(last) if last.isdecimal() else 0
    if member.sid in _EVERYONE or (rid == _DOMAIN_USERS and domain.startswith("S-1-5-21-")):
        return "everyone"
    if member.sid.startswith("S-1-12-1-"):
        return "entra_principals"
    if member.use == _USER and domain == machine:
        return "" if rid == _BUILT_IN else "local_users"
    return {_USER: "domain_users", _GROUP: "domain_groups"}.get(member.use, "unresolved")


def _fill_from_linux(host: Host, attributes: Attributes, facts: Administrators) -> None:
    passwd, group = attributes.text("/etc/passwd"), attributes.text("/etc/group")
    if passwd is None or group is None:
        return
    accounts = {account.name: account for account in parse_passwd(passwd)}
    groups = {found.name: found for found in parse_group(group)}
    names = {name for found in _GROUPS & groups.keys() for name in _members(groups[found], accounts)}
    with attributes.part():
        sudoers = _sudoers(host)
        if sudoers:
            names |= _fill_from_sudoers(sudoers, accounts, groups, facts)
        else:
            facts.domain_users = facts.domain_groups = 0
            facts.everyone = facts.without_password = False
    facts.local_users = len(names & accounts.keys() - {"root"})
    with attributes.part():
        person = at_the_screen(host)
        if person and (person.name in names or facts.HasField("everyone")):
            facts.at_the_screen = person.name in names or facts.everyone


def _sudoers(host: Host) -> Sudoers | None:
    try:
        return read_sudoers(host)
    except NotPermitted:
        raise NotPermitted("Seul root lit les règles de sudo : relancer l'agent avec sudo.") from None


def _members(group: Group, accounts: dict[str, Account]) -> set[str]:
    return {*group.members} | {account.name for account in accounts.values() if account.gid == group.gid}


def _fill_from_sudoers(
    sudoers: Sudoers, accounts: dict[str, Account], groups: dict[str, Group], facts: Administrators
) -> set[str]:
    """Fill what sudo's files show, and return the local accounts to which they give everything."""
    local: set[str] = set()
    domain_users, domain_groups = set(), set()
    everyone = without_password = False
    for grant in sudoers.grants:
        if grant.who == "ALL":
            found = not sudoers.asks_target_password
            everyone = everyone or found
        elif grant.who.startswith("%"):
            by_gid = {f"#{group.gid}": group.name for group in groups.values()}
            # `%:` names a group of the domain, `%#` a number.
            name = grant.who.lstrip("%").removeprefix(":")
            name = by_gid.get(name, name)
            members = _members(groups[name], accounts) if name in groups else set()
            local |= members
            found = bool(members) or name not in groups
            domain_groups |= {name} - groups.keys() - _GROUPS
        else:
            found = True
            by_number = {f"#{account.uid}": account.name for account in accounts.values()}
            name = by_number.get(grant.who, grant.who)
            local |= {name} & accounts.keys()
            domain_users |= {name} - accounts.keys()
        without_password = without_password or (grant.without_password and found and grant.who != "root")
    facts.domain_users, facts.domain_groups = len(domain_users), len(domain_groups)
    facts.everyone, facts.without_password = everyone, without_password
    return local


def _fill_from_macos(host: Host, attributes: Attributes, facts: Administrators) -> None:
    record = run_plist(host, "dscl", "-plist", ".", "-read", "/Groups/admin", "GroupMembership")
    names = record.get("dsAttrTypeStandard:GroupMembership") if isinstance(record, dict) else None
    if not isinstance(names, list):
        raise ParseError("dscl ne donne pas les membres du groupe admin.")
    facts.local_users = len({str(name) for name in names} - {"root"})
    with attributes.part():
        person = at_the_screen(host)
        fill(facts, at_the_screen=person.name in names if person else None)


PROBE = Probe(
    name="administrators",
    observe=observe,
    about="Administrateurs du poste, en nombre et par nature, sans aucun nom.",
    administrator="les règles de sudo (Linux)",
    reads=("/etc/passwd", "/etc/group", *SUDOERS_FILES, *SEAT_FILES),
    commands=("dscl", *SEAT_COMMANDS),
    win32=("administrators", "machine_sid", "console_user"),
)
