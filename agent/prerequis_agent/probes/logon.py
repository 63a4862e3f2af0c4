"""Observes how a session opens: by itself, by a card, under a name that people share. The name stays on the machine."""

import re
import unicodedata

from prerequis.v1.access_pb2 import Logon
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.dconf import DCONF_FILES, imposed_settings
from prerequis_agent.host import Host
from prerequis_agent.plists import read_plist
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.seat import SEAT_COMMANDS, SEAT_FILES, at_the_screen

_WINLOGON = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"
_SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
_LOGIN_WINDOW = "/Library/Preferences/com.apple.loginwindow.plist"
_AUTO_PASSWORD = "/etc/kcpassword"  # noqa: S105 – where macOS keeps it
_CARD = "/Library/Managed Preferences/com.apple.security.smartcard.plist"
_MANAGER = "/etc/systemd/system/display-manager.service"

# Where each display manager of Linux is told to open a session by itself, and the line that tells it.
_MANAGERS = {
    "gdm": (("/etc/gdm3/daemon.conf", "/etc/gdm3/custom.conf", "/etc/gdm/custom.conf"),
            r"^\s*(?:AutomaticLoginEnable|TimedLoginEnable)\s*=\s*(?i:true|1)\s*$"),
    "lightdm": (("/usr/share/lightdm/lightdm.conf.d/*", "/etc/lightdm/lightdm.conf.d/*", "/etc/lightdm/lightdm.conf"),
                r"^\s*autologin-user\s*=\s*\S"),
    "sddm": (("/usr/lib/sddm/sddm.conf.d/*", "/etc/sddm.conf.d/*", "/etc/sddm.conf"), r"^\s*User\s*=\s*\S"),
}  # fmt: skip
_CONSOLE = "/etc/systemd/system/getty@tty1.service.d"

# Words of which shared accounts are named in an establishment; a name made of these alone belongs to nobody.
_SHARED = frozenset(
    {
        "accueil", "admin", "administrateur", "aide", "aides", "animation", "as", "ash", "atelier", "bureau", "cuisine",
        "de", "des", "direction", "du", "educ", "educateur", "educateurs", "etage", "formation", "ide", "infirmerie",
        "infirmier", "infirmiere", "infirmiers", "interne", "invite", "jour", "la", "le", "les", "local", "nuit", "pc",
        "pharmacie", "portable", "poste", "salle", "secretariat", "service", "session", "soin", "soins", "stage",
        "stagiaire", "stagiaires", "test", "transmissions", "unite", "user", "utilisateur", "veille", "veilleur",
    }
)  # fmt: skip

_LABELS = {"automatic": "ouverture automatique", "generic_account": "compte partagé à l'écran"}
_WINDOWS_LABELS = _LABELS | {
    "password_in_clear": "mot de passe en clair", "cached_credentials": "comptes en cache",
    "smartcard_required": "carte exigée", "locks_on_card_removal": "verrouillage au retrait de la carte",
}  # fmt: skip


def observe(host: Host) -> Observation:
    """Return how sessions open; raises NotPermitted or Unsupported when nothing is known."""
    facts = Logon()
    attributes = Attributes(host)
    labels = _LABELS
    if host.platform == "win32":
        _fill_from_windows(host, attributes, facts)
        labels = _WINDOWS_LABELS
    elif host.platform == "darwin":
        _fill_from_macos(host, attributes, facts)
    else:
        _fill_from_linux(host, attributes, facts)
    with attributes.part():
        person = at_the_screen(host)
        if person:
            facts.generic_account = is_shared(person.name)
    if facts == Logon():
        raise attributes.absence("comment s'ouvrent ses sessions")
    return Observation(facts, attributes.detail(facts, labels))


def is_shared(name: str) -> bool:
    """Return whether a name is made only of words that name a place, a trade or a machine: `Poste-Infirmerie2`."""
    plain = unicodedata.normalize("NFKD", name.rpartition("\\")[2].partition("@")[0]).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z]+", plain.lower())
    return bool(words) and all(word in _SHARED for word in words)


def _fill_from_windows(host: Host, attributes: Attributes, facts: Logon) -> None:
    attributes.require(_WINLOGON)
    # Absent means no automatic session ("Turn on automatic logon", Microsoft Learn) and ten accounts in cache
    # ("Interactive logon: Number of previous logons to cache").
    automatic = attributes.string(_WINLOGON, "AutoAdminLogon", absent="0")
    password = attributes.string(_WINLOGON, "DefaultPassword", absent="")
    cached = attributes.string(_WINLOGON, "CachedLogonsCount", absent="10")
    card = attributes.dword(_SYSTEM, "scforceoption", absent=0)
    fill(
        facts,
        automatic=None if automatic is None else automatic.strip() == "1",
        password_in_clear=None if password is None else bool(password),
        cached_credentials=int(cached) if cached and cached.strip().isdecimal() else None,
        smartcard_required=None if card is None else card == 1,
    )
    removal = attributes.string(_WINLOGON, "ScRemoveOption", absent="0")
    with attributes.part():
        # The option does nothing unless the service "Smart Card Removal Policy" runs (Microsoft Learn).
        service = host.win32().service("SCPolicySvc") if removal in {"1", "2", "3"} else None
        fill(facts, locks_on_card_removal=None if removal is None else service is not None and service.state == 4)


def _fill_from_linux(host: Host, attributes: Attributes, facts: Logon) -> None:
    console = _any_line(attributes, (f"{_CONSOLE}/*",), r"^\s*ExecStart\s*=.*(?:--autologin|\s-a)\s")
    unit = host.read_link(_MANAGER)
    manager = (unit or "").rpartition("/")[2].removesuffix(".service").removesuffix("3")
    if unit is None:
        # Without a display manager a session opens on the console alone.
        facts.automatic = console
    elif manager in _MANAGERS:
        places, line = _MANAGERS[manager]
        automatic = _any_line(attributes, places, line)
        if not attributes.is_refused:
            facts.automatic = console or automatic
    removal = imposed_settings(attributes).get("/org/gnome/settings-daemon/peripherals/smartcard/removal-action")
    if removal is not None:
        facts.locks_on_card_removal = removal in {"'lock-screen'", "'force-logout'"}


def _any_line(attributes: Attributes, places: tuple[str, ...], line: str) -> bool:
    paths = []
    for place in places:
        directory, _, name = place.rpartition("/")
        paths += [f"{directory}/{found}" for found in attributes.names(directory) or []] if name == "*" else [place]
    return any(re.search(line, attributes.text(path) or "", re.MULTILINE) for path in paths)


def _fill_from_macos(host: Host, attributes: Attributes, facts: Logon) -> None:
    with attributes.part():
        window = read_plist(host, _LOGIN_WINDOW)
        if window is not None:
            facts.automatic = bool(window.get("autoLoginUser"))
        # The file is masked by a key that everyone knows.
        facts.password_in_clear = host.exists(_AUTO_PASSWORD)
    with attributes.part():
        card = read_plist(host, _CARD)
        if card is not None:
            facts.smartcard_required = card.get("enforceSmartCard") is True
            facts.locks_on_card_removal = card.get("tokenRemovalAction") == 1


PROBE = Probe(
    name="logon",
    observe=observe,
    about="Ouverture de session : automatique, par carte, compte partagé ou non ; aucun nom ne sort.",
    reads=(
        _MANAGER, f"{_CONSOLE}/*", _LOGIN_WINDOW, _AUTO_PASSWORD, _CARD, *DCONF_FILES, *SEAT_FILES,
        *(place for places, _ in _MANAGERS.values() for place in places),
    ),
    commands=SEAT_COMMANDS,
    registry=(_WINLOGON, _SYSTEM),
    win32=("service", "console_user"),
)  # fmt: skip
