"""What rules said of a subject, kept for the next one of which they read the same.

The machines of a park are alike: most rules read one list of facts, which many machines share to the letter. A rule is
asked again only where a piece that it reads is new, over no more of the subject than the rules that are asked read.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import TypeVar

from google.protobuf.message import Message

from prerequis.v1.context_pb2 import Derived
from prerequis.v1.facts_pb2 import Facts
from prerequis_rules.derive import derive, derived_from
from prerequis_rules.ends import Ends, apply
from prerequis_rules.model import Outcome, Scope
from prerequis_rules.pack import Pack
from prerequis_rules.reads import DEEP, Part, present

_MOST = 1000
"""Answers kept of each group of rules, and forms of each part of a subject: some tens of megabytes at the most."""

Seen = dict[str, Hashable]
"""What is known of a subject, by the name of the piece, in a form that can be compared; None where nothing is."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memory:
    """What the rules of one pack said at one moment; of the same pieces they say the same."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._kept: Mapping[Scope, list[dict[Hashable, tuple[Outcome, ...]]]] = {
            scope: [{} for _ in groups] for scope, groups in pack.groups.items()
        }
        self._nothing: Seen = {name: None for groups in pack.groups.values() for one in groups for name in one.pieces}
        self._forms: defaultdict[str, dict[bytes, Seen]] = defaultdict(dict)
        self._derived: dict[bytes, Derived] = {}

    def derived(self, facts: Facts, now: datetime) -> Derived:
        """Return what the facts mean at the memory's moment; not to be changed, for others are given the same."""
        read = derived_from(facts)
        content = read.SerializeToString(deterministic=True)
        found = self._derived.get(content)
        if found is None:
            found = derive(read, self._pack.knowledge, now)
            _keep(self._derived, content, found)
        return found

    def seen(self, **variables: Message) -> Seen:
        """Return the pieces of these messages that rules read."""
        seen = self._nothing.copy()
        for variable, message in variables.items():
            if variable == "facts":  # as a whole never the same on two machines
                for field, value in message.ListFields():
                    seen.update(self._pieces(f"facts.{field.name}", value))
            else:
                seen.update(self._pieces(variable, message))
        return seen

    def outcomes(self, scope: Scope, seen: Seen, ends: Callable[[Collection[Part]], Ends]) -> list[Outcome]:
        """Return what each rule of a scope says, in their order; `ends` gives a context with these parts at least."""
        groups, kept = self._pack.groups[scope], self._kept[scope]
        said = [known.get(group.key(seen)) for group, known in zip(groups, kept, strict=True)]
        missed = [number for number, answers in enumerate(said) if answers is None]
        if missed:
            context = ends(frozenset(chain.from_iterable(groups[number].parts for number in missed)))
            for number in missed:
                said[number] = answers = tuple(apply(one, context) for one in groups[number].programs.values())
                if not groups[number].whole:
                    _keep(kept[number], groups[number].key(seen), answers)
        flat = [one for answers in said if answers is not None for one in answers]
        return [flat[place] for place in self._pack.places[scope]]

    def _pieces(self, place: str, message: Message) -> Seen:
        """Return the pieces of a variable, or of what one probe saw, that rules read."""
        forms, content = self._forms[place], message.SerializeToString(deterministic=True)
        found = forms.get(content)
        if found is None:
            pieces = {place: content, present(place): True, **dict(_pieces(place, message))}
            found = {piece: value for piece, value in pieces.items() if piece in self._nothing}
            _keep(forms, content, found)
        return found


def _pieces(place: str, message: Message) -> Iterator[tuple[str, Hashable]]:
    """Yield what is set of a message, field by field; where rules read deep, also of the messages in it."""
    for field, value in message.ListFields():
        inner = f"{place}.{field.name}"
        yield inner, _comparable(value)
        if place in DEEP and isinstance(value, Message):
            yield present(inner), True
            yield from _pieces(inner, value)


def _comparable(value: object) -> Hashable:
    if isinstance(value, Message):
        return value.SerializeToString(deterministic=True)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(map(_comparable, value))
    return value


def _keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    if len(kept) >= _MOST:
        kept.clear()
    kept[key] = value
