"""How much of the machine others took while a bench ran: its figures say more of them than of us when that is much."""

import os
import time

import psutil

MOST_TAKEN = 0.15
"""Of all processor time, by other processes and by the host of a virtual machine."""


class Neighbours:
    """Counts from when it is made; the bench's own part is that of its process and of its children that have ended."""

    def __init__(self) -> None:
        self._started, self._busy, self._own = time.monotonic(), _busy(), _own()

    def taken(self) -> float:
        """Return the part of all processor time that others took, from 0 to 1."""
        passed = (time.monotonic() - self._started) * (os.cpu_count() or 1)
        return max(0.0, (_busy() - self._busy) - (_own() - self._own)) / passed

    def refusal(self) -> str | None:
        """Return why the figures are not valid, or None when they are."""
        taken = self.taken()
        return f"others took {taken:.0%} of the processors (at most {MOST_TAKEN:.0%})" if taken > MOST_TAKEN else None


def verdict(missed: bool, refusal: str | None) -> str:
    """Return how a figure is introduced: not as held or missed on a machine that others kept busy."""
    return "invalid" if refusal else "MISSED" if missed else "ok"


def _busy() -> float:
    spent = psutil.cpu_times()
    # Time of guests is in that of users already.
    return float(spent.user + spent.nice + spent.system + spent.irq + spent.softirq + spent.steal)


def _own() -> float:
    return sum(os.times()[:4])
