"""Programs, and what they do by themselves."""

from prerequis.v1.exposure_pb2 import Browsers, Logging, Macros, TimeSync
from prerequis.v1.software_pb2 import Applications, Backup, Updates
from prerequis_agent.sentences.french import count, decimal, joined, said

_SOURCES = {
    Updates.VENDOR: "depuis l'éditeur", Updates.OWN_SERVER: "depuis un serveur de l'organisme",
    Updates.MANAGED: "gérées à distance",
}  # fmt: skip


def applications(facts: Applications) -> str:
    """Return the phrase."""
    return joined(*(f"{one.id} {one.version}".strip() for one in facts.applications)) or "aucun logiciel de la liste"


def browsers(facts: Browsers) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "saves_passwords", "mots de passe enregistrés par défaut", "mots de passe jamais enregistrés"),
        said(facts, "extensions_restricted", "extensions limitées", "extensions libres"),
        said(facts, "smartscreen", "SmartScreen actif", "SmartScreen inactif"),
    )


def macros(facts: Macros) -> str:
    """Return the phrase."""
    return said(
        facts, "blocked_from_internet", "macros venues d'Internet bloquées", "macros venues d'Internet permises"
    )


def backup(facts: Backup) -> str:
    """Return the phrase."""
    last = facts.last_success_at.ToDatetime().strftime("%d/%m/%Y") if facts.HasField("last_success_at") else ""
    return joined(
        ", ".join(facts.agents) or "aucun agent de sauvegarde connu de l'agent",
        f"dernière sauvegarde le {last}" if last else "",
    )


def updates(facts: Updates) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "automatic", "automatiques", "à lancer soi-même"),
        _SOURCES.get(facts.source, ""),
        said(facts, "plain_http", "sans chiffrement"),
        "en pause" if facts.HasField("paused_until") else "",
    )


def logging(facts: Logging) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "persistent", "journaux gardés au redémarrage", "journaux perdus au redémarrage"),
        said(facts, "forwarded", "envoyés à un autre poste", "gardés sur ce poste seul"),
        f"{count(len(facts.audit.settings), 'catégorie')} d'audit" if facts.HasField("audit") else "",
    )


def time_sync(facts: TimeSync) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "enabled", "service de l'heure actif", "pas de service de l'heure"),
        said(facts, "synchronised", "horloge synchronisée", "horloge non synchronisée"),
        f"à {decimal(facts.largest_error_seconds)} s près" if facts.HasField("largest_error_seconds") else "",
        said(facts, "source_configured", "", "aucune source réglée"),
    )
