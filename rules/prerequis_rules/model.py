"""The vocabulary of judgement: rules, questions, frameworks, and what comes out of applying them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, Protocol

from prerequis.v1.context_pb2 import SiteContext, WorkstationContext


class Scope(StrEnum):
    """What a rule is applied to."""

    WORKSTATION = "workstation"
    SITE = "site"


class Level(StrEnum):
    """How much a rule weighs; a blocking rule that fails keeps a site from starting."""

    BLOCKING = "blocking"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"


class Verdict(StrEnum):
    """The four answers; UNKNOWN is neither a pass nor a fail."""

    PASS = "PASS"  # noqa: S105  (a verdict, no password)
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT_APPLICABLE"

    __hash__ = str.__hash__  # that of an Enum is not C: a park's verdicts are looked up by the million


class Readiness(StrEnum):
    """Whether a site can start with its DUI."""

    NOT_READY = "NOT_READY"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    READY_WITH_RESERVATIONS = "READY_WITH_RESERVATIONS"
    READY = "READY"


@dataclass(frozen=True, slots=True)
class Source:
    """The text that asks for a rule, quoted to the letter."""

    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class Need:
    """An article of the catalogue that a rule asks for, in a quantity that is a CEL expression."""

    item: str
    quantity: str


class Count(NamedTuple):
    """How the machines of a site fare under one workstation rule, those to which it applies."""

    passed: int = 0
    failed: int = 0
    unknown: int = 0
    """Judged without a verdict, or never seen though the register counts them."""
    unbounded: bool = False
    """The register does not say how many machines the site has."""


@dataclass(frozen=True, slots=True)
class Case:
    """One example that a rule carries: a context, and the verdict it must give; what it leaves out is not known."""

    name: str
    place: object
    """As text: file, line and column."""
    context: WorkstationContext | SiteContext
    """Its profile holds only what is laid over the pack's default one; the tally of a site is in `counts`."""
    counts: Mapping[str, Count]
    """By workstation rule id."""
    verdict: Verdict
    needs: Mapping[str, tuple[int, int | None]]
    """Expected (certain, possible) by item; empty when the case says nothing of needs."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as its TOML file says; the CEL expressions are text here and compiled in the pack."""

    id: str
    aliases: tuple[str, ...]
    title: str
    scope: Scope
    level: Level
    applies: str | None
    met: str
    observed: str
    expected: str | None
    """None: the title says it."""
    remedy: str
    source: Source
    needs: tuple[Need, ...]
    cases: tuple[Case, ...]
    family: str = ""
    """The folder that its file stands in."""


@dataclass(frozen=True, slots=True)
class Question:
    """What only a person can answer."""

    id: str
    text: str
    choices: tuple[str, ...]
    evidence: str
    valid_months: int
    source: Source


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of a framework and the rules and questions that cover it, by id."""

    id: str
    title: str
    rules: tuple[str, ...]
    questions: tuple[str, ...]
    reinforced: tuple[str, ...] = ()
    """Those of its rules that serve a higher level than the one that everybody is asked for."""

    @property
    def covered(self) -> bool:
        """Whether at least one rule or question covers it."""
        return bool(self.rules or self.questions)


@dataclass(frozen=True, slots=True)
class Framework:
    """A list of requirements by one publisher."""

    id: str
    title: str
    attribution: str
    coverage_threshold: float
    """Share of the weight, 0 to 1, that must be decided before a site can be called ready."""
    requirements: tuple[Requirement, ...]
    urn: str | None = None
    """What stands before the id of a requirement in the URNs of CISO Assistant; None when it has no such library."""


@dataclass(frozen=True, slots=True)
class Echo:
    """One requirement of a mapped framework, and the requirements of ours that tell something of it."""

    id: str
    title: str
    requirements: tuple[str, ...]
    """Each as framework/requirement; none where nothing of ours tells anything of it."""


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Another framework that has no rules of its own: what is known of it follows from the requirements it is near to.

    It is our own reading, and is never scored: a site is ready by the frameworks that rules were written for.
    """

    id: str
    title: str
    attribution: str
    note: str
    """French: whose reading it is, and what it is worth."""
    urn: str | None
    """As of a framework."""
    requirements: tuple[Echo, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """One thing of the catalogue that can be ordered."""

    id: str
    name: str
    family: str


@dataclass(frozen=True, slots=True)
class Target:
    """A usage that a site must reach."""

    title: str
    percent: int

    def needed(self, records: int) -> int:
        """Return how many records of a file active of so many must show the usage: a share of one is one."""
        return -(-self.percent * records // 100)


@dataclass(frozen=True, slots=True)
class Lot:
    """Sites that are measured together."""

    id: str
    title: str
    opens: date
    """The first day of measurement, by which a site of the lot must be ready."""
    closes: date
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The lots of one programme, by id."""

    id: str
    title: str
    source: Source
    lots: Mapping[str, Lot]


class Quantity(NamedTuple):
    """How many are needed: surely, and at most; no upper bound when `possible` is None."""

    certain: int
    possible: int | None


@dataclass(frozen=True, slots=True)
class Waiver:
    """An accepted deviation of one subject from one rule; laid over a FAIL until it expires."""

    rule: str
    subject: str
    reason: str
    author: str
    approver: str
    expires: datetime


class Outcome(NamedTuple):
    """What a rule says, whoever the subject is."""

    verdict: Verdict
    needs: Mapping[str, Quantity]
    """By item of the catalogue."""


class Texts(Protocol):
    """What is told of one subject; made when it is read, for most of it is never shown."""

    def observed(self, rule: str) -> str:
        """Return what was seen, as a sentence for a person; empty when nothing is known."""

    def observed_alone(self, rule: str) -> str:
        """Return the same as `observed`: for whoever reads few texts of a subject."""

    def expected(self, rule: str) -> str:
        """Return what was to be seen."""


class Judgement(NamedTuple):
    """One rule applied to one subject."""

    rule: str
    subject: str
    """The workstation's id, or the site's FINESS."""
    verdict: Verdict
    needs: Mapping[str, Quantity]
    texts: Texts
    waived: bool = False

    @property
    def observed(self) -> str:
        """What was seen, as a sentence for a person; empty when nothing is known."""
        return self.texts.observed(self.rule)

    @property
    def expected(self) -> str:
        """What was to be seen."""
        return self.texts.expected(self.rule)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules of one scope say of one subject, rule by rule; a judgement is made of it when it is read."""

    subject: str
    """The workstation's id, or the site's FINESS."""
    rules: tuple[str, ...]
    """Their ids."""
    verdicts: tuple[Verdict, ...]
    needs: Mapping[str, Mapping[str, Quantity]]
    """Of the rules that need something, by rule and by item of the catalogue."""
    texts: Texts
    waived: frozenset[str] = frozenset()
    """The rules whose FAIL a waiver covers."""

    def __iter__(self) -> Iterator[Judgement]:
        """Yield a judgement for each rule."""
        for rule, verdict in zip(self.rules, self.verdicts, strict=True):
            yield Judgement(rule, self.subject, verdict, self.needs.get(rule, {}), self.texts, rule in self.waived)


def by_rule(subjects: Iterable[Judged]) -> dict[str, tuple[Verdict, ...]]:
    """Return the verdicts of each rule, in the order of the subjects."""
    of_same_rules: dict[tuple[str, ...], list[tuple[Verdict, ...]]] = {}
    for one in subjects:
        of_same_rules.setdefault(one.rules, []).append(one.verdicts)
    found: dict[str, tuple[Verdict, ...]] = {}
    for rules, verdicts in of_same_rules.items():
        for rule, column in zip(rules, zip(*verdicts, strict=True), strict=True):
            found[rule] = found[rule] + column if rule in found else column
    return found


@lru_cache(maxsize=10_000)
def counted(verdicts: tuple[Verdict, ...]) -> tuple[int, int, int]:
    """Return how many of them are a PASS, a FAIL, an UNKNOWN; machines are alike, and so is what rules say of them."""
    return verdicts.count(Verdict.PASS), verdicts.count(Verdict.FAIL), verdicts.count(Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Score:
    """Per cent, rounded down: certain, possible, and the share of the weight that was decided."""

    low: float
    high: float
    coverage: float


@dataclass(frozen=True, slots=True)
class FrameworkResult:
    """A framework applied to one site."""

    framework: str
    readiness: Readiness
    score: Score | None
    """None when no rule of the framework applies to the site."""
    blocking: int
    """How many FAILs of blocking rules no waiver covers."""
    rules: tuple[str, ...]
    """The ids of the framework's rules, in their order."""
    subjects: Sequence[Judged]
    """The site and its workstations, under all rules."""

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """Those of the framework's rules, rule by rule."""
        of_rule: dict[str, list[Judgement]] = {rule: [] for rule in self.rules}
        for judgement in chain.from_iterable(self.subjects):
            if judgement.rule in of_rule:
                of_rule[judgement.rule].append(judgement)
        return tuple(chain.from_iterable(of_rule.values()))
