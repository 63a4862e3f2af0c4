"""What each probe saw, as a French phrase for whoever stands before the machine; a function is named after its probe.

A phrase says what is known and nothing else: a field that is unset leaves no trace in it.
"""

from collections.abc import Callable
from typing import Any

from prerequis_agent.sentences import cards, hardware, network, people, programs, protection

_MODULES = (hardware, network, cards, protection, people, programs)


def phrase_of(name: str) -> Callable[[Any], str] | None:
    """Return what makes the phrase of a probe's facts, or None for a probe of which there is none yet."""
    return next((getattr(module, name) for module in _MODULES if hasattr(module, name)), None)
