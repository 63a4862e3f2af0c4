"""What rules said of a subject, kept for the next one of which they read the same.

The machines of a park are alike: most rules read one list of facts, which many machines share to the letter. A rule is
asked again only where a piece that it reads is new, over no more of the subject than the rules that are asked read.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

from google.protobuf.message import Message

from prerequis.v1.context_pb2 import Derived
from prerequis.v1.facts_pb2 import Facts
from prerequis_rules.derive import DERIVED_FROM, Meaning, only
from prerequis_rules.ends import Ends, apply
from prerequis_rules.model import Outcome, Scope
from prerequis_rules.pack import Group, Pack
from prerequis_rules.reads import DEEP, Part, present

_MOST = 1000
"""Answers kept of each group of rules, and forms of each part of a subject: some tens of megabytes at the most."""

_MEANT = frozenset(chain.from_iterable(DERIVED_FROM.values()))

Seen = dict[str, Hashable]
"""What is known of a subject, by the name of the part: its Form, or what can be compared itself; None where nothing is.
"""

Answers = tuple[Outcome, ...]

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Form:
    """One content of a part that rules read deep; while it is kept, the same object for the same content."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: Mapping[str, Hashable]) -> None:
        self.pieces = pieces


class Memory:
    """What the rules of one pack said at one moment; of the same pieces they say the same."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._said = {scope: [_Said(group) for group in groups] for scope, groups in pack.groups.items()}
        pieces = [one for groups in pack.groups.values() for group in groups for of in group.alike for one in of.pieces]
        self._nothing: Seen = {name: None for name, _ in pieces}
        self._read = {piece for _, piece in pieces}
        self._forms: defaultdict[str, dict[Hashable, Form]] = defaultdict(dict)
        self._fields: defaultdict[str, dict[bytes, Seen]] = defaultdict(dict)
        self._meanings: defaultdict[Meaning, dict[Hashable, tuple[Derived, Seen]]] = defaultdict(dict)

    def derived(self, facts: Facts, now: datetime) -> tuple[Derived, Seen]:
        """Return what the facts mean at the memory's moment, and the parts of it that rules read."""
        contents = {field.name: _comparable(value) for field, value in facts.ListFields() if field.name in _MEANT}
        whole, seen = Derived(), Seen()
        for meaning, fields in DERIVED_FROM.items():
            kept, content = self._meanings[meaning], tuple([contents.get(field) for field in fields])
            found = kept.get(content)
            if found is None:
                derived = meaning(only(facts, fields), self._pack.knowledge, now.astimezone(UTC).date())
                found = derived, self._forms_of("derived", derived)
                _keep(kept, content, found)
            whole.MergeFrom(found[0])
            seen.update(found[1])
        return whole, seen

    def seen(self, **variables: Message) -> Seen:
        """Return the parts of these messages that rules read."""
        seen = self._nothing.copy()
        for variable, message in variables.items():
            if variable in DEEP:  # as a whole never the same on two machines
                seen.update(self._forms_of(variable, message))
            else:
                seen.update(self._fields_of(variable, message))
        return seen

    def outcomes(self, scope: Scope, seen: Seen, ends: Callable[[Collection[Part]], Ends]) -> Answers:
        """Return what each rule of a scope says, in their order; `ends` gives a context with these parts at least."""
        groups = self._said[scope]
        said = [one.together.get(one.key(seen)) for one in groups]
        missed = [(number, groups[number].apart(seen)) for number, known in enumerate(said) if known is None]
        if missed:
            new = [groups[number].parts for number, known in missed if None in known]
            context = ends(frozenset(chain.from_iterable(new)))
            for number, known in missed:
                said[number] = groups[number].ask(seen, known, context)
        return self._pack.in_order[scope]([one for known in said if known is not None for one in known])

    def _forms_of(self, variable: str, message: Message) -> Seen:
        """Return the forms of the parts of a variable that rules read deep."""
        places = [(f"{variable}.{field.name}", value) for field, value in message.ListFields()]
        return {place: self._form(place, value) for place, value in places if place in self._nothing}

    def _form(self, place: str, value: object) -> Form:
        """Return the form of a part that rules read deep."""
        forms, content = self._forms[place], _comparable(value)
        found = forms.get(content)
        if found is None:
            pieces = {place: content, present(place): True}
            if isinstance(value, Message):
                pieces.update((f"{place}.{field.name}", _comparable(inner)) for field, inner in value.ListFields())
            found = Form({piece: one for piece, one in pieces.items() if piece in self._read})
            _keep(forms, content, found)
        return found

    def _fields_of(self, variable: str, message: Message) -> Seen:
        """Return the fields of a variable that rules read."""
        kept, content = self._fields[variable], message.SerializeToString(deterministic=True)
        found = kept.get(content)
        if found is None:
            fields = {f"{variable}.{field.name}": _comparable(value) for field, value in message.ListFields()}
            found = {place: value for place, value in fields.items() if place in self._nothing}
            _keep(kept, content, found)
        return found


class _Said:
    """What the rules of one group said, by the parts that they read, and those that are alike by the pieces."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._alike: list[dict[Hashable, Answers]] = [{} for _ in group.alike]
        self.key, self.parts = group.key, group.parts
        self.together: dict[Hashable, Answers] = {}

    def apart(self, seen: Seen) -> list[Answers | None]:
        """Return what those that are alike said of the same pieces; None where these are new."""
        if not self._group.deep:
            return [None] * len(self._alike)
        return [said.get(_key(one.pieces, seen)) for one, said in zip(self._group.alike, self._alike, strict=True)]

    def ask(self, seen: Seen, known: Sequence[Answers | None], context: Ends) -> Answers:
        """Return what all say: what is known, and what those say of the context of which it is not."""
        answers: list[Outcome] = []
        for alike, said, before in zip(self._group.alike, self._alike, known, strict=True):
            if before is None:
                before = tuple([apply(one, context) for one in alike.programs])
                if self._group.deep and not self._group.whole:
                    _keep(said, _key(alike.pieces, seen), before)
            answers.extend(before)
        if not self._group.whole:
            _keep(self.together, self.key(seen), tuple(answers))
        return tuple(answers)


def _key(pieces: Iterable[tuple[str, str]], seen: Seen) -> Hashable:
    """Return the pieces themselves; a part without a Form is its only piece."""
    return tuple([part.pieces.get(piece) if isinstance(part := seen[name], Form) else part for name, piece in pieces])


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
