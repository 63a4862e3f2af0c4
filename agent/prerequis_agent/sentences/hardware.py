"""The hardware and what runs on it."""

from prerequis.v1.access_pb2 import EncryptedVolume, Encryption
from prerequis.v1.exposure_pb2 import Kernel, Power, Screen
from prerequis.v1.facts_pb2 import Machine, System
from prerequis.v1.software_pb2 import Drivers, Printers
from prerequis_agent.sentences.french import count, decimal, joined, said

_GIB = 1024**3
_PROTECTIONS = {
    EncryptedVolume.ON: "chiffré", EncryptedVolume.OFF: "en clair", EncryptedVolume.SUSPENDED: "chiffrement suspendu",
    EncryptedVolume.IN_PROGRESS: "chiffrement en cours", EncryptedVolume.LOCKED: "chiffré et verrouillé",
}  # fmt: skip


def machine(facts: Machine) -> str:
    """Return the phrase."""
    return joined(
        f"{facts.manufacturer} {facts.model}".strip(),
        f"{facts.cores} cœurs" if facts.cores else "",
        f"{decimal(facts.memory_bytes / _GIB)} Gio de mémoire" if facts.memory_bytes else "",
        f"{decimal(facts.system_volume_free_bytes / _GIB)} Gio libres"
        if facts.HasField("system_volume_free_bytes")
        else "",
        "machine virtuelle" if facts.is_virtual else "",
    )


def system(facts: System) -> str:
    """Return the phrase."""
    pending = facts.pending_security_updates
    return joined(
        f"{facts.distribution} {facts.release} {facts.edition}".strip(),
        facts.kernel,
        f"{count(pending, 'mise', 'mises')} à jour de sécurité en attente"
        if facts.HasField("pending_security_updates")
        else "",
        "redémarrage en attente" if facts.reboot_required else "",
    )


def drivers(facts: Drivers) -> str:
    """Return the phrase."""
    faulty = sum(driver.problem_code != 0 for driver in facts.drivers)
    return joined(count(len(facts.drivers), "pilote"), f"{faulty} en erreur" if faulty else "")


def power(facts: Power) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "battery", "batterie", "sans batterie"),
        said(facts, "on_mains", "sur secteur", "sur batterie seule"),
    )


def screen(facts: Screen) -> str:
    """Return the phrase."""
    return f"{facts.width_pixels} × {facts.height_pixels} pixels" if facts.width_pixels and facts.height_pixels else ""


def printers(facts: Printers) -> str:
    """Return the phrase."""
    return joined(
        count(facts.count, "imprimante") if facts.HasField("count") else "",
        said(facts, "spooler_running", "", "service d'impression arrêté"),
        said(facts, "spooler_remote", "service d'impression ouvert au réseau"),
    )


def encryption(facts: Encryption) -> str:
    """Return the phrase."""
    return joined(
        *(
            f"volume {'système' if volume.system else 'de données'} {_PROTECTIONS[volume.protection]}"
            for volume in facts.volumes
            if volume.protection in _PROTECTIONS
        )
    )


def kernel(facts: Kernel) -> str:
    """Return the phrase."""
    return joined(
        said(facts, "access_control", "contrôle d'accès du noyau en vigueur", "pas de contrôle d'accès du noyau"),
        said(facts, "signed_programs_only", "programmes signés seuls", "tout programme peut s'ouvrir"),
        f"{len(facts.settings.settings)} réglages relevés" if facts.settings.settings else "",
    )
