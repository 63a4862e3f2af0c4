"""Accounts, passwords and sessions, without a name."""

from prerequis.v1.access_pb2 import (
    Accounts,
    Administrators,
    Credentials,
    Directory,
    Elevation,
    Logon,
    PasswordPolicy,
    SessionLock,
)
from prerequis_agent.sentences.french import count, duration, joined, s, said

_JOINS = {
    Directory.WORKGROUP: "hors domaine", Directory.DOMAIN: "joint à un domaine", Directory.ENTRA: "joint à Entra ID",
    Directory.HYBRID: "joint à un domaine et à Entra ID",
}  # fmt: skip
_LAPS = {
    Credentials.NONE: "pas de LAPS", Credentials.ENTRA: "LAPS dans Entra ID", Credentials.LEGACY: "LAPS ancien",
    Credentials.ACTIVE_DIRECTORY: "LAPS dans l'annuaire",
}  # fmt: skip


def accounts(facts: Accounts) -> str:
    """Return the phrase."""
    return joined(
        f"{count(facts.enabled, 'compte ouvert', 'comptes ouverts')}" if facts.HasField("enabled") else "",
        f"{facts.without_password} sans mot de passe" if facts.without_password else "",
        f"{facts.dormant} inutilisé{s(facts.dormant)} depuis 180 jours" if facts.dormant else "",
        said(facts, "guest_enabled", "compte invité ouvert"),
        f"{count(facts.extra_superusers, 'autre compte', 'autres comptes')} d'identifiant 0"
        if facts.extra_superusers
        else "",
    )


def administrators(facts: Administrators) -> str:
    """Return the phrase."""
    people = facts.local_users + facts.domain_users + facts.entra_principals
    return joined(
        count(people, "administrateur") if facts.HasField("local_users") else "",
        f"{count(facts.domain_groups, 'groupe')} du domaine" if facts.domain_groups else "",
        said(facts, "everyone", "tout utilisateur l'est"),
        said(facts, "at_the_screen", "la personne à l'écran l'est", "la personne à l'écran ne l'est pas"),
        said(facts, "without_password", "sans mot de passe pour certains"),
    )


def password_policy(facts: PasswordPolicy) -> str:
    """Return the phrase."""
    threshold = facts.lockout_threshold
    return joined(
        f"{count(facts.minimum_length, 'caractère')} au moins" if facts.HasField("minimum_length") else "",
        said(facts, "complexity", "complexité demandée", "complexité non demandée"),
        (f"blocage après {count(threshold, 'échec')}" if threshold else "pas de blocage après des échecs")
        if facts.HasField("lockout_threshold")
        else "",
        said(facts, "stored_reversibly", "stockage réversible"),
    )


def session_lock(facts: SessionLock) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "enabled", "verrouillage", "pas de verrouillage"),
        f"après {duration(facts.delay_seconds)}" if facts.delay_seconds else "",
        said(facts, "asks_password", "mot de passe demandé", "sans mot de passe"),
        said(facts, "imposed", "imposé"),
    )


def logon(facts: Logon) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "automatic", "la session s'ouvre seule", "la session ne s'ouvre pas seule"),
        said(facts, "password_in_clear", "mot de passe gardé en clair"),
        said(facts, "smartcard_required", "carte exigée"),
        said(facts, "locks_on_card_removal", "verrouillage au retrait de la carte"),
        said(facts, "generic_account", "compte partagé à l'écran"),
    )


def elevation(facts: Elevation) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "enabled", "contrôle de compte actif", "contrôle de compte inactif"),
        said(facts, "installs_always_elevated", "installations toujours en administrateur"),
    )


def credentials(facts: Credentials) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "wdigest_in_clear", "mots de passe en clair en mémoire (WDigest)"),
        said(facts, "lsa_protected", "LSA protégé", "LSA non protégé"),
        said(facts, "credential_guard_running", "Credential Guard actif", "Credential Guard inactif"),
        _LAPS.get(facts.laps, ""),
    )


def directory(facts: Directory) -> str:
    """Return the phrase."""
    return joined(_JOINS.get(facts.join, ""), said(facts, "mobile_device_management", "géré à distance (MDM)"))
