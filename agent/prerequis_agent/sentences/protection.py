"""What keeps others out."""

from prerequis.v1.access_pb2 import RemoteDesktop, RemovableMedia, Shares, Ssh
from prerequis.v1.exposure_pb2 import LegacyProtocols, Tls
from prerequis.v1.facts_pb2 import Firewall
from prerequis.v1.software_pb2 import Antivirus, RemoteTools
from prerequis_agent.sentences.french import count, joined, s, said

_TLS = {"ssl3": "SSL 3.0", "tls1_0": "TLS 1.0", "tls1_1": "TLS 1.1", "tls1_2": "TLS 1.2", "tls1_3": "TLS 1.3"}


def firewall(facts: Firewall) -> str:
    """Return the phrase."""
    return joined(said(facts, "active", "actif", "inactif") or "état inconnu", ", ".join(facts.engines))


def antivirus(facts: Antivirus) -> str:
    """Return the phrase."""
    if not facts.products:
        return "aucun antivirus connu de l'agent"
    return joined(
        *(
            f"{product.name or 'antivirus'}{said(product, 'active', ' actif', ' inactif')}"
            f"{said(product, 'signatures_current', '', ', signatures anciennes')}"
            for product in facts.products
        )
    )


def legacy_protocols(facts: LegacyProtocols) -> str:
    """Return the phrase."""
    flags = {
        "smb1_server": "serveur SMB 1", "smb1_client": "client SMB 1", "smb_guest_access": "SMB sans compte",
        "llmnr": "LLMNR", "netbios": "NetBIOS", "snmp_default_community": "SNMP par défaut",
        "remote_registry": "registre à distance", "winrm_in_clear": "WinRM en clair",
    }  # fmt: skip
    names = [word for field, word in flags.items() if getattr(facts, field)]
    names += [f"serveur {name}" for name in facts.servers.names] + [f"client {name}" for name in facts.clients.names]
    known = [field for field, _ in facts.ListFields()]
    return ", ".join(names) or ("aucun ancien protocole parmi ceux qui ont été regardés" if known else "")


def tls(facts: Tls) -> str:
    """Return the phrase."""
    told = {field.name: value for field, value in facts.ListFields()}
    words = [f"{word} {'permis' if told[name] else 'refusé'}" for name, word in _TLS.items() if name in told]
    return ", ".join(words) or "valeurs du système"


def remote_desktop(facts: RemoteDesktop) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "enabled", "bureau à distance ouvert", "bureau à distance fermé"),
        said(facts, "network_level_authentication", "", "sans authentification préalable") if facts.enabled else "",
        said(facts, "assistance", "assistance à distance permise"),
    )


def remote_tools(facts: RemoteTools) -> str:
    """Return the phrase."""
    return ", ".join(facts.tools) or "aucun outil de prise en main connu de l'agent"


def ssh(facts: Ssh) -> str:
    """Return the phrase."""
    if not facts.running:
        return said(facts, "running", "", "pas de serveur SSH")
    return joined(
        "serveur SSH ouvert",
        said(facts, "root_login", "root admis", "root refusé"),
        said(facts, "passwords", "mots de passe admis", "clés seules"),
    )


def shares(facts: Shares) -> str:
    """Return the phrase."""
    return joined(
        f"{count(facts.offered, 'dossier partagé', 'dossiers partagés')}" if facts.HasField("offered") else "",
        f"{facts.writable_by_everyone} modifiable{s(facts.writable_by_everyone)} par tous"
        if facts.writable_by_everyone
        else "",
        f"{facts.open_to_guests} sans mot de passe" if facts.open_to_guests else "",
        f"{count(facts.mounted, 'partage utilisé', 'partages utilisés')}" if facts.HasField("mounted") else "",
    )


def removable_media(facts: RemovableMedia) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "storage_blocked", "clés USB bloquées", "clés USB permises"),
        said(facts, "autorun_disabled", "exécution automatique coupée", "exécution automatique permise"),
        said(facts, "execution_denied", "programmes de la clé refusés"),
    )
