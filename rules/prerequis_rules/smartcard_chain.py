"""What breaks the chain from a reader to the programs that read cards: why PC/SC shows no reader, who knows a card."""

from dataclasses import dataclass

from prerequis.v1.facts_pb2 import Facts, Reader, Smartcard, System
from prerequis.v1.middleware_pb2 import Middleware, RegisteredCard, RegisteredCards


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a reader that is plugged in is not seen by PC/SC, and what to do; both in French."""

    told: str
    remedy: str


_REMOTE = Cause(
    "session à distance",
    "Lancer l'agent dans une session ouverte au poste lui-même : d'ici se voient les lecteurs de l'autre bout.",
)
_ABSENT = Cause("service PC/SC non installé", "Installer le paquet pcscd.")
_DISABLED_ON_WINDOWS = Cause(
    "service désactivé",
    "Remettre le service « Carte à puce » (SCardSvr) en démarrage manuel, par services.msc ou par la stratégie qui le "
    "désactive.",
)
_DISABLED = Cause("service masqué", "Rétablir le service : systemctl unmask --now pcscd.socket.")
_STOPPED_ON_WINDOWS = Cause("service arrêté", "Démarrer le service « Carte à puce » (SCardSvr) par services.msc.")
_STOPPED = Cause("service arrêté", "Démarrer le service : systemctl start pcscd.")
_REFUSED = Cause(
    "accès refusé au compte de l'agent",
    "Relancer avec sudo ; pour tous les comptes, une règle polkit sur org.debian.pcsc-lite.access_pcsc.",
)
_FREE_DRIVER = Cause("pilote libccid absent", "Installer le paquet libccid (pcsc-lite-ccid), puis rebrancher.")
_VENDOR_DRIVER = Cause(
    "défauts connus du pilote libre",
    "Installer le pilote du fabricant, ou prendre un lecteur CCID courant (10 à 30 €).",
)
_APPLE_DRIVER = Cause(
    "pilote CCID d'Apple, depuis macOS 14",
    "Revenir au pilote ifd-ccid : sudo defaults write /Library/Preferences/com.apple.security.smartcard useIFDCCID "
    "-bool yes, puis rebrancher.",
)
_UNKNOWN = Cause(
    "cause inconnue",
    "Rebrancher le lecteur sur une prise du poste, sans concentrateur (hub), puis relancer. Sur un portable Mac, "
    "accepter « Autoriser l'accessoire ».",
)
# Codes of the device manager (Microsoft, « Error codes in Device Manager in Windows »).
_CODES = {
    10: Cause("le périphérique ne démarre pas", "Rebrancher ; si rien ne change, réinstaller le pilote du fabricant."),
    14: Cause("pilote installé, poste à redémarrer", "Redémarrer le poste."),
    22: Cause("désactivé dans le gestionnaire de périphériques", "L'y réactiver."),
    28: Cause("aucun pilote", "Installer « Usbccid » par Windows Update, sinon le pilote du fabricant."),
    43: Cause("le périphérique signale une panne", "L'essayer sur une autre prise, puis sur un autre poste."),
    52: Cause("pilote sans signature", "Installer le pilote signé du fabricant."),
}
# macOS from this release on drives readers by itself (L. Rousseau, maintainer of libccid).
_APPLE_DRIVES_SINCE = 14


def why_unseen(reader: Reader, facts: Facts, *, needs_vendor_driver: bool) -> Cause | None:
    """Return the likeliest cause for which PC/SC does not show a reader; None of one that it shows or may show.

    What stands before the driver comes first: a service that does not run, whatever the driver.
    """
    service, family = facts.smartcard.service, facts.system.family
    if service == Smartcard.REFUSED:
        return _REFUSED if not reader.HasField("seen_by_pcsc") else None
    if reader.seen_by_pcsc or (service == Smartcard.RUNNING and not reader.HasField("seen_by_pcsc")):
        return None
    if facts.middleware.remote_session:
        return _REMOTE
    if service == Smartcard.ABSENT:
        return _ABSENT
    if service != Smartcard.RUNNING and facts.middleware.service_start == Middleware.DISABLED:
        return _DISABLED_ON_WINDOWS if family == System.WINDOWS else _DISABLED
    if service == Smartcard.STOPPED:
        return _STOPPED_ON_WINDOWS if family == System.WINDOWS else _STOPPED
    if service != Smartcard.RUNNING:
        return None
    return _of_the_driver(reader, facts, needs_vendor_driver)


def _of_the_driver(reader: Reader, facts: Facts, needs_vendor_driver: bool) -> Cause:
    if reader.problem_code:
        code = reader.problem_code
        return _CODES.get(code) or Cause(f"pilote en erreur (code {code})", "Réinstaller le pilote du fabricant.")
    if reader.kernel_driver not in ("", "usbfs"):
        taker = reader.kernel_driver
        return Cause(
            f"pris par le noyau (pilote {taker})",
            f"Écrire « blacklist {taker} » dans /etc/modprobe.d/lecteur-de-carte.conf, redémarrer, rebrancher.",
        )
    if reader.HasField("driver_installed") and not reader.driver_installed:
        return _FREE_DRIVER
    if needs_vendor_driver:
        return _VENDOR_DRIVER
    by_apple = facts.system.family == System.MACOS and _major(facts.system.release) >= _APPLE_DRIVES_SINCE
    return _APPLE_DRIVER if by_apple and not facts.middleware.ifd_ccid_chosen else _UNKNOWN


def _major(release: str) -> int:
    head = release.partition(".")[0]
    return int(head) if head.isdecimal() else 0


def is_registered(atr: bytes, known: RegisteredCards) -> bool | None:
    """Return whether Windows has a program for a card: one entry with a CSP or a minidriver takes its ATR.

    None when no entry surely does, and one may.
    """
    answers = {_both(_takes(card, atr), _has_program(card)) for card in known.cards}
    if True in answers:
        return True
    return None if None in answers else False


def _both(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return True if one and other else None


def _has_program(card: RegisteredCard) -> bool | None:
    if card.csp or card.minidriver:
        return True
    return False if card.HasField("csp") and card.HasField("minidriver") else None


def _takes(card: RegisteredCard, atr: bytes) -> bool | None:
    if not card.HasField("atr") or not card.HasField("mask"):
        return None
    mask = card.mask or b"\xff" * len(atr)
    return len(card.atr) == len(mask) == len(atr) and all(
        told & bits == seen & bits for told, seen, bits in zip(card.atr, atr, mask, strict=True)
    )
