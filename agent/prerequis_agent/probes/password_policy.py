"""Observes what the system asks of the passwords of local accounts. On a domain's machine, users obey the domain's."""

import re

from prerequis.v1.access_pb2 import PasswordPolicy
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host
from prerequis_agent.pam import PAM_FILES, Module, parse_settings, stack
from prerequis_agent.plists import Plist, run_plist
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.windows.api import PasswordRules

_LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
# NETSETUP_JOIN_STATUS of a machine in a domain (lmjoin.h).
_DOMAIN = 3
_DAY_SECONDS = 86_400
# chage of shadow calls 10,000 days or more "never" (src/chage.c).
_NEVER_DAYS = 10_000
# Windows counts three classes of characters out of upper case, lower case, digits, others (Microsoft Learn, "Password
# must meet complexity requirements"); the same is asked here of the other systems.
_CLASSES = 3

_LABELS = {
    "minimum_length": "longueur minimale", "complexity": "complexité", "lockout_threshold": "blocage après échecs",
    "lockout_seconds": "durée du blocage", "maximum_age_days": "durée de vie",
}  # fmt: skip
_WINDOWS_LABELS = _LABELS | {
    "stored_reversibly": "stockage réversible", "lm_hashes": "empreintes LM",
    "blank_from_network": "mots de passe vides depuis le réseau",
}  # fmt: skip
_LINUX_LABELS = _LABELS | {"hash_method": "fonction de hachage"}


def observe(host: Host) -> Observation:
    """Return the policy; raises NotPermitted or Unsupported when nothing of it is known."""
    facts = PasswordPolicy()
    attributes = Attributes(host)
    if host.platform == "win32":
        _fill_from_windows(host, attributes, facts)
        if facts == PasswordPolicy():
            raise attributes.absence("sa politique de mots de passe")
        return Observation(facts, attributes.detail(facts, _WINDOWS_LABELS))
    if host.platform == "darwin":
        _fill_from_macos(run_plist(host, "pwpolicy", "-getaccountpolicies"), facts)
        return Observation(facts, attributes.detail(facts, _LABELS))
    labels = dict(_LINUX_LABELS)
    _fill_from_linux(attributes, facts)
    if facts == PasswordPolicy():
        raise attributes.absence("sa politique de mots de passe")
    if not facts.lockout_threshold and facts.HasField("lockout_threshold"):
        # What never begins has no duration.
        del labels["lockout_seconds"]
    return Observation(facts, attributes.detail(facts, labels))


def _fill_from_windows(host: Host, attributes: Attributes, facts: PasswordPolicy) -> None:
    with attributes.part():
        _fill_from_rules(host.win32().password_policy(), facts)
    with attributes.part():
        attributes.require(_LSA)
        _fill_from_registry(attributes, facts)
    # No value and no call gives these two; the export of the security policy, which does, is an administrator's.
    attributes.note("La complexité et le stockage réversible ne se voient que dans secedit, en administrateur.")
    with attributes.part():
        if host.win32().join_status() == _DOMAIN:
            attributes.note("Ces règles valent pour les comptes locaux ; ceux du domaine suivent les siennes.")


def _fill_from_rules(rules: PasswordRules, facts: PasswordPolicy) -> None:
    facts.minimum_length = rules.minimum_length
    facts.lockout_threshold = rules.lockout_threshold
    facts.lockout_seconds = rules.lockout_seconds or 0
    fill(facts, lockout_window_seconds=rules.lockout_window_seconds)
    facts.maximum_age_days = (rules.maximum_age_seconds or 0) // _DAY_SECONDS


def _fill_from_registry(attributes: Attributes, facts: PasswordPolicy) -> None:
    # Microsoft Learn gives "Enabled" as the effective default of "Do not store LAN Manager hash value on next password
    # change" and of "Limit local account use of blank passwords to console logon only".
    no_hash = attributes.dword(_LSA, "NoLMHash", absent=1)
    console_only = attributes.dword(_LSA, "LimitBlankPasswordUse", absent=1)
    fill(
        facts,
        lm_hashes=None if no_hash is None else no_hash == 0,
        blank_from_network=None if console_only is None else console_only == 0,
    )


def _fill_from_linux(attributes: Attributes, facts: PasswordPolicy) -> None:
    login = attributes.text("/etc/login.defs")
    if login is not None:
        definitions = dict(re.findall(r"^\s*([A-Z_]+)\s+(\S+)", login, re.MULTILINE))
        # login.defs(5): unset means no limit, and DES for the hash, which nobody has left by accident since 2008.
        days = _number(definitions.get("PASS_MAX_DAYS"), -1)
        facts.maximum_age_days = 0 if days < 0 or days >= _NEVER_DAYS else days
        fill(facts, hash_method=definitions.get("ENCRYPT_METHOD"))
    new_password = stack(attributes, "password")
    if new_password is not None:
        _fill_quality(attributes, new_password, facts)
    session = stack(attributes, "auth")
    if session is not None:
        _fill_lockout(attributes, session, facts)


def _fill_quality(attributes: Attributes, modules: list[Module], facts: PasswordPolicy) -> None:
    by_name = {module.name: module.arguments for module in modules}
    if "pam_pwquality.so" in by_name:
        # pwquality.conf(5): arguments override the file, minlen is 8, and no class is asked, by default.
        rules = _settings(attributes, "pwquality") | by_name["pam_pwquality.so"]
        facts.minimum_length = _number(rules.get("minlen"), 8)
        credits = sum(_number(rules.get(f"{kind}credit"), 0) < 0 for kind in "dulo")
        facts.complexity = max(_number(rules.get("minclass"), 0), credits) >= _CLASSES
    elif "pam_unix.so" in by_name and "pam_cracklib.so" not in by_name and "pam_passwdqc.so" not in by_name:
        # pam_unix(8): six characters by default.
        facts.minimum_length = _number(by_name["pam_unix.so"].get("minlen"), 6)
        facts.complexity = False


def _fill_lockout(attributes: Attributes, modules: list[Module], facts: PasswordPolicy) -> None:
    names = {module.name for module in modules}
    faillocks = [module.arguments for module in modules if module.name == "pam_faillock.so"]
    if faillocks:
        # faillock.conf(5): three failures within 900 s, for 600 s; an argument overrides the file.
        rules = _settings(attributes, "faillock") | {key: value for one in faillocks for key, value in one.items()}
        facts.lockout_threshold = _number(rules.get("deny"), 3)
        forever = rules.get("unlock_time") == "never"
        facts.lockout_seconds = 0 if forever else _number(rules.get("unlock_time"), 600)
        facts.lockout_window_seconds = _number(rules.get("fail_interval"), 900)
    elif not names & {"pam_tally2.so", "pam_tally.so"}:
        facts.lockout_threshold = 0


def _settings(attributes: Attributes, name: str) -> dict[str, str]:
    main = f"/etc/security/{name}.conf"
    parts = [f"{main}.d/{part}" for part in attributes.names(f"{main}.d") or [] if part.endswith(".conf")]
    # libpwquality reads the directory first, the file last.
    texts = [attributes.text(path) for path in (*parts, main)]
    return {key: value for text in texts if text for key, value in parse_settings(text).items()}


def _number(text: str | None, default: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        return default


def _fill_from_macos(policies: Plist, facts: PasswordPolicy) -> None:
    if not isinstance(policies, dict):
        raise ParseError("pwpolicy ne donne pas la politique de mots de passe.")
    contents = _rules(policies, "policyCategoryPasswordContent")
    lengths = [int(number) for content, _ in contents for number in re.findall(r"\.\{([0-9]{1,3}),", content)]
    lengths += [_integer(parameters, "minimumLength") for _, parameters in contents]
    facts.minimum_length = max(lengths, default=0)
    words = ("[0-9]", "[A-Z]", "[a-z]", "[^a-zA-Z0-9]")
    classes = {word for content, _ in contents for word in words if word in content}
    facts.complexity = len(classes) >= _CLASSES
    failures = [parameters for content, parameters in _rules(policies, "policyCategoryAuthentication")
                if "policyAttributeMaximumFailedAuthentications" in content]  # fmt: skip
    facts.lockout_threshold = max(
        (_integer(one, "policyAttributeMaximumFailedAuthentications") for one in failures), default=0
    )
    if failures:
        facts.lockout_seconds = max(_integer(one, "autoEnableInSeconds") for one in failures)
    ages = [_integer(parameters, "policyAttributeExpiresEveryNDays")
            for _, parameters in _rules(policies, "policyCategoryPasswordChange")]  # fmt: skip
    facts.maximum_age_days = max(ages, default=0)


def _rules(policies: dict[str, Plist], category: str) -> list[tuple[str, dict[str, Plist]]]:
    found = policies.get(category)
    rules = []
    for rule in found if isinstance(found, list) else []:
        if isinstance(rule, dict):
            parameters = rule.get("policyParameters")
            rules.append((str(rule.get("policyContent", "")), parameters if isinstance(parameters, dict) else {}))
    return rules


def _integer(parameters: dict[str, Plist], name: str) -> int:
    value = parameters.get(name)
    return value if isinstance(value, int) else 0


PROBE = Probe(
    name="password_policy",
    observe=observe,
    about="Règles des mots de passe et du verrouillage des comptes.",
    reads=("/etc/login.defs", *PAM_FILES),
    commands=("pwpolicy",),
    registry=(_LSA,),
    win32=("password_policy", "join_status"),
)
