"""A rule pack in memory: what its files say, compiled."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from prerequis.v1.register_pb2 import Profile
from prerequis_rules.expressions import Program
from prerequis_rules.knowledge import Knowledge
from prerequis_rules.model import Article, Calendar, Correspondence, Framework, Lot, Question, Rule, Scope, Source
from prerequis_rules.reads import WHOLE, Part, Read, part, pieces

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


@dataclass(frozen=True, slots=True)
class Group:
    """Rules of one scope whose verdicts and quantities rest on the same things."""

    programs: Mapping[str, Programs]
    """By rule id."""
    parts: frozenset[Part]
    """Of the context, what they read."""
    pieces: tuple[str, ...]
    """Names of what must be the same for them to say the same."""
    key: Callable[[Mapping[str, Hashable]], Hashable]
    """Gives these pieces of all."""

    @property
    def whole(self) -> bool:
        """Whether some read a whole variable, so that the pieces do not tell all."""
        return any(field == WHOLE for _, field in self.parts)


@dataclass(frozen=True)
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
    def places(self) -> Mapping[Scope, tuple[int, ...]]:
        """Of each rule of a scope, in their order, the place among those of all its groups one after the other."""
        return {scope: tuple(self._places(scope)) for scope in Scope}

    @cached_property
    def _by_scope(self) -> Mapping[Scope, tuple[Rule, ...]]:
        return {scope: tuple(rule for rule in self.rules.values() if rule.scope is scope) for scope in Scope}

    def _places(self, scope: Scope) -> Iterator[int]:
        grouped = {
            rule: place for place, rule in enumerate(rule for one in self.groups[scope] for rule in one.programs)
        }
        return (grouped[rule.id] for rule in self.of_scope(scope))

    def _grouped(self, scope: Scope) -> Iterator[Group]:
        by_reads: dict[frozenset[Read], dict[str, Programs]] = {}
        for rule in self.of_scope(scope):
            programs = self.programs[rule.id]
            by_reads.setdefault(programs.reads, {})[rule.id] = programs
        for reads, alike in by_reads.items():
            names = tuple(sorted({name for read in reads for name in pieces(read)}))
            yield Group(alike, frozenset(map(part, reads)), names, itemgetter(*names) if names else _nothing)


def _nothing(_: Mapping[str, Hashable]) -> None:
    """Give what rules compare that read nothing."""
