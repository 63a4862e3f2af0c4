"""Observes what happens when nobody touches the machine: after how long, and whether a password is asked."""

from contextlib import suppress

from prerequis.v1.access_pb2 import SessionLock
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.desktop_lock import DESKTOP_LOCK_FILES, lock_of
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.plists import read_plist
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.seat import session_at_the_screen

_SYSTEM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
_POLICY = r"Software\Policies\Microsoft\Windows\Control Panel\Desktop"
_OWN = r"Control Panel\Desktop"
_SCREEN_SAVER = "/Library/Managed Preferences/com.apple.screensaver.plist"
_SESSIONS = ("/usr/share/xsessions", "/usr/share/wayland-sessions")

_LABELS = {"enabled": "verrouillage", "delay_seconds": "délai", "asks_password": "mot de passe au retour"}


def observe(host: Host) -> Observation:
    """Return the lock of the session at the screen.

    Raises Unsupported where there is no screen to lock or where the choice is the user's, NotPermitted when it is
    hidden.
    """
    facts = SessionLock()
    attributes = Attributes(host)
    if host.platform == "win32":
        _fill_from_windows(host, attributes, facts)
    elif host.platform == "darwin":
        _fill_from_macos(host, facts)
    else:
        if not any(attributes.names(place) for place in _SESSIONS):
            raise Unsupported("Ce poste n'a pas de bureau graphique à verrouiller.")
        _fill_from_linux(host, attributes, facts)
    if facts == SessionLock():
        raise attributes.refusal() or Unsupported("Rien n'est imposé ; le réglage de l'utilisateur ne se lit pas.")
    locks = facts.enabled or not facts.HasField("enabled")
    return Observation(facts, attributes.detail(facts, _LABELS if locks else {}))


def _fill_from_windows(host: Host, attributes: Attributes, facts: SessionLock) -> None:
    # "Interactive logon: Machine inactivity limit" locks whatever the user chose; 0, the default, is no limit.
    limit = attributes.dword(_SYSTEM, "InactivityTimeoutSecs", absent=0)
    if limit:
        fill(facts, enabled=True, delay_seconds=limit, asks_password=True, imposed=True)
        return
    person = host.win32().console_user()
    if person and person.sid:
        _fill_from_screen_saver(attributes, rf"HKU\{person.sid}", limit_known=limit is not None, facts=facts)


def _fill_from_screen_saver(attributes: Attributes, hive: str, *, limit_known: bool, facts: SessionLock) -> None:
    names = ("SCRNSAVE.EXE", "ScreenSaveActive", "ScreenSaveTimeOut", "ScreenSaverIsSecure")
    imposed = {name: attributes.string(rf"{hive}\{_POLICY}", name) for name in names}
    own = {name: attributes.string(rf"{hive}\{_OWN}", name, absent="") for name in names}
    program, active, delay, secure = (own[name] if imposed[name] is None else imposed[name] for name in names)
    if program is None or active is None:
        return
    # Windows leaves ScreenSaveActive at 1 where "(None)" is chosen: without a program nothing starts.
    on = bool(program) and active == "1"
    if not on:
        # The machine's own limit may lock although no screen saver does.
        fill(facts, enabled=False if limit_known else None)
        return
    facts.enabled = True
    fill(
        facts,
        delay_seconds=int(delay) if delay and delay.isdecimal() else None,
        asks_password=None if secure is None else secure == "1",
        imposed=all(imposed[name] is not None for name in names[1:]),
    )


def _fill_from_linux(host: Host, attributes: Attributes, facts: SessionLock) -> None:
    session = None
    with suppress(Unsupported):  # what is imposed holds whoever is at the screen
        session = session_at_the_screen(host)
    with attributes.part():
        lock = lock_of(attributes, session)
        if lock:
            fill(facts, enabled=lock.enabled, asks_password=lock.asks_password, imposed=lock.imposed)
            fill(facts, delay_seconds=lock.delay_seconds)


def _fill_from_macos(host: Host, facts: SessionLock) -> None:
    imposed = read_plist(host, _SCREEN_SAVER) or {}
    idle, asks, wait = (imposed.get(name) for name in ("idleTime", "askForPassword", "askForPasswordDelay"))
    if isinstance(idle, int):
        fill(facts, enabled=idle > 0, imposed=True)
        if idle and isinstance(wait, int):
            facts.delay_seconds = idle + wait
    if isinstance(asks, int):
        facts.asks_password = bool(asks)


PROBE = Probe(
    name="session_lock",
    observe=observe,
    about="Verrouillage de la session : actif, délai, mot de passe demandé.",
    reads=(*_SESSIONS, *DESKTOP_LOCK_FILES, _SCREEN_SAVER),
    registry=(_SYSTEM, rf"HKU\*\{_POLICY}", rf"HKU\*\{_OWN}"),
    win32=("console_user",),
)
