"""A rule pack in memory: what its files say, compiled."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import TypeVar

from prerequis.v1.register_pb2 import Profile
from prerequis_rules.expressions import Program
from prerequis_rules.knowledge import Knowledge
from prerequis_rules.model import Article, Calendar, Correspondence, Framework, Lot, Question, Rule, Scope, Source
from prerequis_rules.reads import DEEP, WHOLE, Part, Read, name, part, pieces

Item = TypeVar("Item")

DEFAULT_PROFILE = "generic-saas"
"""The profile of a site whose register names none."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The compiled expressions of one rule."""

    applies: Program[bool] | None
    met: Program[bool]
    observed: Program[str]
    expected: Program[str] | None
    quantities: Mapping[str, Program[int]]
    """By item of the catalogue."""
    reads: frozenset[Read]
    """What the verdict and the quantities rest on."""
    counts: bool
    """Among it, how many machines do what: then both ends of what is not known must be asked."""
    told: frozenset[Part]
    """What the text of what was seen needs of the context."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Rules of one scope whose verdicts and quantities rest on the same things."""

    programs: tuple[Programs, ...]
    pieces: tuple[tuple[str, str], ...]
    """What must be the same for them to say the same: each the name of a part, and that of a piece of it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules of one scope that read the same parts of the context."""

    parts: frozenset[Part]
    key: Callable[[Mapping[str, Hashable]], Hashable]
    """Gives these parts of all, by their names."""
    alike: tuple[Alike, ...]
    rules: tuple[str, ...]
    """The ids of all of them, in the order in which they stand in `alike`."""

    whole: bool
    """Whether they read a whole variable, so that the parts do not tell all."""
    deep: bool
    """Whether what they read may be the same although the parts are not."""


@dataclass(frozen=True, repr=False)
class Pack:
    """Everything judgement needs; each mapping is by id and in the order of the ids."""

    rules: Mapping[str, Rule]
    programs: Mapping[str, Programs]
    questions: Mapping[str, Question]
    frameworks: Mapping[str, Framework]
    profiles: Mapping[str, Profile]
    catalogue: Mapping[str, Article]
    knowledge: Knowledge
    correspondences: Mapping[str, Correspondence]
    calendars: Mapping[str, Calendar]
    digest: str
    """SHA-256, in hexadecimal, over every file's path and content."""

    def __repr__(self) -> str:
        """Return what names the pack: all of it is eleven million characters, and asyncio writes a task's result."""
        return f"Pack(digest={self.digest!r})"

    @property
    def default_profile(self) -> Profile:
        """The profile of a site whose register names none."""
        return self.profiles[DEFAULT_PROFILE]

    def profile(self, identifier: str) -> Profile:
        """Return a profile by id, the default one for an empty id; raises KeyError for an unknown one."""
        return self.profiles[identifier or DEFAULT_PROFILE]

    def lot(self, name: str) -> Lot | None:
        """Return a lot by <calendar>/<lot>; None where no calendar has it."""
        calendar, _, lot = name.partition("/")
        return self.calendars[calendar].lots.get(lot) if calendar in self.calendars else None

    def current(self, rule: str) -> str:
        """Return the id that a rule has now, by its id or one that it had before; an unknown one unchanged."""
        return self._renamed.get(rule, rule)

    @cached_property
    def _renamed(self) -> Mapping[str, str]:
        return {alias: rule.id for rule in self.rules.values() for alias in rule.aliases}

    def document(self, source: Source) -> str:
        """Return the title of the document that a rule quotes; its id where no title is known."""
        return self.knowledge.documents.get(source.document, source.document)

    def of_scope(self, scope: Scope) -> tuple[Rule, ...]:
        """Return the rules of one scope, in the order of their ids."""
        return self._by_scope[scope]

    @cached_property
    def covering(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the rules of each framework, by its id, in their order."""
        return {
            framework.id: tuple(sorted({rule for requirement in framework.requirements for rule in requirement.rules}))
            for framework in self.frameworks.values()
        }

    @cached_property
    def groups(self) -> Mapping[Scope, tuple[Group, ...]]:
        """The rules of each scope, grouped by what they rest on."""
        return {scope: tuple(self._grouped(scope)) for scope in Scope}

    @cached_property
    def in_order(self) -> Mapping[Scope, Callable[[Sequence[Item]], tuple[Item, ...]]]:
        """Of each scope, what puts one thing for each rule of its groups in the order of the rules."""
        return {scope: self._in_order(scope) for scope in Scope}

    @cached_property
    def ids(self) -> Mapping[Scope, tuple[str, ...]]:
        """The ids of the rules of each scope, in their order."""
        return {scope: tuple(rule.id for rule in self.of_scope(scope)) for scope in Scope}

    @cached_property
    def _by_scope(self) -> Mapping[Scope, tuple[Rule, ...]]:
        return {scope: tuple(rule for rule in self.rules.values() if rule.scope is scope) for scope in Scope}

    def _in_order(self, scope: Scope) -> Callable[[Sequence[Item]], tuple[Item, ...]]:
        grouped = [rule for group in self.groups[scope] for rule in group.rules]
        places = [grouped.index(rule) for rule in self.ids[scope]]
        if len(places) > 1:
            return itemgetter(*places)
        return tuple

    def _grouped(self, scope: Scope) -> Iterator[Group]:
        by_reads: dict[frozenset[Read], list[str]] = {}
        for rule in self.ids[scope]:
            by_reads.setdefault(self.programs[rule].reads, []).append(rule)
        by_parts: dict[frozenset[Part], list[frozenset[Read]]] = {}
        for reads in by_reads:
            by_parts.setdefault(frozenset(map(part, reads)), []).append(reads)
        for parts, of_parts in by_parts.items():
            names = sorted(map(name, parts))
            yield Group(
                parts,
                itemgetter(*names) if names else _nothing,
                tuple(self._alike(reads, by_reads[reads]) for reads in of_parts),
                tuple(rule for reads in of_parts for rule in by_reads[reads]),
                whole=any(field == WHOLE for _, field in parts),
                deep=any(variable in DEEP for variable, _ in parts),
            )

    def _alike(self, reads: frozenset[Read], rules: Sequence[str]) -> Alike:
        named = sorted({(name(part(read)), piece) for read in reads for piece in pieces(read)})
        return Alike(tuple(self.programs[rule] for rule in rules), tuple(named))


def _nothing(_: Mapping[str, Hashable]) -> None:
    """Give what rules compare that read nothing."""
