"""Knows who is at the screen: a name that stays on the machine."""

from dataclasses import dataclass

from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.windows.api import ConsoleUser

SEAT_FILES = ("/run/systemd/seats/seat0", "/run/systemd/sessions/*")
"""What is read on Linux: the state of logind, the same that `loginctl` shows."""

SEAT_COMMANDS = ("stat",)
"""What is run on macOS: the owner of the console is who is at the screen."""


@dataclass(frozen=True, slots=True)
class Session:
    """The session at the screen of a Linux machine; `desktop` is as the display manager names it, perhaps empty."""

    user: str
    desktop: str


def at_the_screen(host: Host) -> ConsoleUser | None:
    """Return who has the session at the screen, or None when nobody has; raises Unsupported when that is not known."""
    if host.platform == "win32":
        return host.win32().console_user()
    if host.platform == "darwin":
        owner = host.run("stat", "-f", "%Su", "/dev/console").stdout.strip()
        if not owner:
            raise Unsupported("Ce système ne dit pas qui est à l'écran.")
        # The login window and the setup assistant hold the console under these names.
        return None if owner in {"root", "_mbsetupuser"} else ConsoleUser(owner)
    session = session_at_the_screen(host)
    return ConsoleUser(session.user) if session else None


def session_at_the_screen(host: Host) -> Session | None:
    """Return what logind says of the session at the screen, None when nobody has one; raises Unsupported."""
    seat = _fields(host.read_text("/run/systemd/seats/seat0"))
    if seat is None:
        raise Unsupported("Ce système ne dit pas qui est à l'écran.")
    session = _fields(host.read_text(f"/run/systemd/sessions/{seat['ACTIVE']}")) if "ACTIVE" in seat else None
    # The screen that asks for a password is a session too, of the class greeter.
    if session is None or session.get("CLASS") != "user" or "USER" not in session:
        return None
    return Session(session["USER"], session.get("DESKTOP", ""))


def _fields(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
