"""The check on the wire as the agent's own process sees it: a child that is listened to and ended, and a file."""

import time
from datetime import UTC, datetime, timedelta

from google.protobuf import json_format

from prerequis.v1.lan_pb2 import LanCheck
from prerequis_agent import child, durable
from prerequis_agent.config import State
from prerequis_agent.errors import NotPermitted, ProbeError, TimedOut, Unsupported
from prerequis_agent.lan.wire import TOLD, Listening

SECONDS = 62.0
"""The longest that is listened: Cisco's switches announce themselves once a minute."""

KEPT = timedelta(days=30)
"""How long what was heard is told with the reports: cables and servers change."""

_GRACE_SECONDS = 15.0
_ERRORS: dict[str, type[ProbeError]] = {error.__name__: error for error in (NotPermitted, Unsupported)}


def listen(interface: str = "", seconds: float = SECONDS) -> LanCheck:
    """Return what a child of its own hears; raises NotPermitted, Unsupported with a sentence, and TimedOut."""
    process = child.start(Listening(interface, seconds))
    limit = time.monotonic() + seconds + _GRACE_SECONDS
    message: bytes | None = None
    try:
        while message is None and time.monotonic() < limit:
            message = process.receive(0.5)
    except EOFError:
        pass
    finally:
        how = process.end()
    if message is None:
        raise TimedOut(f"L'écoute du câble ne répond pas ({how}).")
    if message.startswith(TOLD):
        return LanCheck.FromString(message[1:])
    kind, _, sentence = message[1:].partition(b"\0")
    raise _ERRORS.get(kind.decode(), Unsupported)(sentence.decode())


def keep(state: State, check: LanCheck) -> None:
    """Keep what was heard, for the reports to come; raises OSError."""
    durable.write(state.directory / "lan-check.json", json_format.MessageToJson(check).encode())


def kept(state: State, now: datetime) -> LanCheck | None:
    """Return what was heard last; None when nobody listened lately or the file is damaged."""
    try:
        content = (state.directory / "lan-check.json").read_bytes()
        check = json_format.Parse(content, LanCheck(), ignore_unknown_fields=True)
    except (OSError, json_format.ParseError, UnicodeDecodeError):
        return None
    return check if now - check.checked_at.ToDatetime(UTC) < KEPT else None
