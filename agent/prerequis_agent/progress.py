"""Tells the person in front of the terminal how far the scan is; silent when nobody watches."""

from typing import Protocol, TextIO

from prerequis.v1.report_pb2 import ProbeRun

OUTCOMES = {
    ProbeRun.FOUND: ("✓", "vu"),
    ProbeRun.NOTHING: ("✓", "rien"),
    ProbeRun.NOT_PERMITTED: ("!", "droits insuffisants"),
    ProbeRun.UNSUPPORTED: ("–", "impossible ici"),
    ProbeRun.TIMED_OUT: ("!", "trop long"),
    ProbeRun.OVER_BUDGET: ("!", "trop coûteux"),
    ProbeRun.FAILED: ("✗", "échec"),
}
"""The mark and the French word for each outcome."""

_ERASE_LINE = "\r\x1b[K"


def seconds(duration: float) -> str:
    """Return a duration in seconds as French writes it, to a tenth."""
    return f"{duration:.1f}".replace(".", ",") + " s"


class Progress(Protocol):
    """Follows a scan."""

    def started(self, name: str) -> None:
        """Take note that a probe has begun."""

    def ended(self, run: ProbeRun) -> None:
        """Take note of how a probe ended."""


class Silent:
    """Follows without a word."""

    def started(self, name: str) -> None:
        """Do nothing."""

    def ended(self, run: ProbeRun) -> None:
        """Do nothing."""


class Live:
    """One line for each probe that ended, and below it the names of those at work."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._running: list[str] = []

    def started(self, name: str) -> None:
        """Show the probe among those at work."""
        if name not in self._running:
            self._running.append(name)
        self._show("")

    def ended(self, run: ProbeRun) -> None:
        """Write the line of a probe that ended."""
        self._running = [name for name in self._running if name != run.name]
        mark, word = OUTCOMES[run.outcome]
        self._show(f"  {mark} {run.name:<16} {word} ({seconds(run.wall_seconds)})\n")

    def _show(self, line: str) -> None:
        waiting = f"  … {', '.join(self._running)}" if self._running else ""
        self._terminal.write(_ERASE_LINE + line + waiting)
        self._terminal.flush()


def progress_on(stream: TextIO) -> Progress:
    """Return a live display when the stream is a terminal, else a silent one."""
    return Live(stream) if stream.isatty() else Silent()
