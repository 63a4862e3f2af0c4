"""What rules said of a subject, kept for the next one of which they read the same.

The machines of a park are alike: most rules read one list of facts, which many machines share to the letter.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping

from google.protobuf.message import Message

from prerequis_rules.ends import Ends, apply
from prerequis_rules.model import Outcome, Scope
from prerequis_rules.pack import Pack
from prerequis_rules.reads import DEEP, WHOLE, Read, present

_MOST = 50_000
"""Answers kept, of one or a few rules each: some tens of megabytes."""

Seen = Mapping[Read, Hashable]
"""What is known of a subject, piece by piece, in a form that can be compared."""


def pieces(variable: str, message: Message) -> dict[Read, Hashable]:
    """Return what is set of a message, field by field; where rules read deep, also of the messages in it."""
    found: dict[Read, Hashable] = {}
    for field, value in message.ListFields():
        found[variable, field.name] = _comparable(value)
        if variable in DEEP and isinstance(value, Message):
            found[present((variable, field.name))] = True
            for inner, part in value.ListFields():
                found[variable, f"{field.name}.{inner.name}"] = _comparable(part)
    return found


def _comparable(value: object) -> Hashable:
    if isinstance(value, Message):
        return value.SerializeToString(deterministic=True)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(map(_comparable, value))
    return value


class Memory:
    """What the rules of one pack said at one moment; of the same pieces they say the same."""

    def __init__(self, pack: Pack) -> None:
        self._groups = pack.groups
        self._kept: dict[tuple[Hashable, ...], Mapping[str, Outcome]] = {}

    def outcomes(self, scope: Scope, seen: Seen, ends: Callable[[], Ends]) -> dict[str, Outcome]:
        """Return what each rule of a scope says, by rule id; the context is put together only where a rule is asked."""
        outcomes: dict[str, Outcome] = {}
        for number, group in enumerate(self._groups[scope]):
            key = (scope, number, *map(seen.get, group.reads))
            said = self._kept.get(key)
            if said is None:
                said = {rule: apply(programs, ends()) for rule, programs in group.programs.items()}
                if all(field != WHOLE for _, field in group.reads):
                    self._keep(key, said)
            outcomes.update(said)
        return outcomes

    def _keep(self, key: tuple[Hashable, ...], said: Mapping[str, Outcome]) -> None:
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[key] = said
