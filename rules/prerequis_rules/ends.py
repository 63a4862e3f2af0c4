"""Applying one rule at both ends of what is not known: where they agree that is the answer, else it is unknown."""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from threading import local

from cel_expr_python import cel

from prerequis_rules.expressions import Program, activate
from prerequis_rules.model import Count, Outcome, Quantity, Verdict
from prerequis_rules.pack import Pack, Programs
from prerequis_rules.reads import Part

UNBOUNDED = 2**31
"""Stands for the machines of a site whose register does not say how many it has."""

_COUNTABLE = 2**20
"""A quantity from here on comes from UNBOUNDED: no site has so many of anything."""

_NOTHING: Mapping[str, Quantity] = {}

_SEEN_ONLY = " (postes vus seulement)"


class Ends:
    """A subject's context at each end of what is not known of it; one end where nothing needs counting."""

    def __init__(self, variables: Mapping[str, object], counts: Mapping[str, Count] | None = None) -> None:
        self._variables = variables
        self._counts = counts

    @cached_property
    def judged(self) -> tuple[cel.Activation, ...]:
        """The unknown machines of a site counted as failed, then as passed."""
        return self._both(UNBOUNDED)

    @cached_property
    def shown(self) -> tuple[cel.Activation, ...]:
        """The same, where texts are made: without the machines that nobody can count."""
        counted = not any(one.unbounded for one in (self._counts or {}).values())
        return self.judged if counted else self._both(0)

    def _both(self, unseen: int) -> tuple[cel.Activation, ...]:
        if self._counts is None:
            return (activate(self._variables),)
        known = not any(one.unknown or one.unbounded for one in self._counts.values())
        return tuple(
            activate({**self._variables, "tally": {rule: tally(one, unseen) for rule, one in self._counts.items()}})
            for tally in ((_optimistic,) if known else (_pessimistic, _optimistic))
        )


class TextsOf:
    """What is told of one subject, made from its context when it is read."""

    def __init__(self, pack: Pack, ends: Callable[[Collection[Part] | None], Ends]) -> None:
        self._pack = pack
        self._make_ends = ends
        self._own = local()

    @property
    def ends(self) -> Ends:
        """The subject's context, put together when it is first needed; each thread has its own, as CEL asks."""
        made: Ends | None = getattr(self._own, "ends", None)
        if made is None:
            made = self._own.ends = self._make_ends(None)
        return made

    def observed(self, rule: str) -> str:
        """Return what was seen, as a sentence for a person; empty when nothing is known."""
        return _text(self._pack.programs[rule].observed, self.ends)

    def observed_alone(self, rule: str) -> str:
        """Return what was seen, where little else of the subject is told: over no more of it than the text needs."""
        programs = self._pack.programs[rule]
        return _text(programs.observed, self._make_ends(programs.told))

    def expected(self, rule: str) -> str:
        """Return what was to be seen; the rule's title where it writes nothing else."""
        program = self._pack.programs[rule].expected
        return self._pack.rules[rule].title if program is None else _text(program, self.ends)


def apply(programs: Programs, ends: Ends) -> Outcome:
    """Return what a rule says of a subject; one that counts no machines says the same at both ends."""
    judged = ends.judged if programs.counts else ends.judged[:1]
    verdicts = [_verdict(programs, end) for end in judged]
    verdict = verdicts[0] if verdicts[0] is verdicts[-1] else Verdict.UNKNOWN
    if not programs.quantities:
        return Outcome(verdict, _NOTHING)
    needs = {item: _quantity(program, verdicts, judged) for item, program in programs.quantities.items()}
    return Outcome(verdict, {item: quantity for item, quantity in needs.items() if quantity != (0, 0)})


def _pessimistic(count: Count, unseen: int) -> dict[str, int]:
    return _tally(count.passed, count.failed + count.unknown + unseen * count.unbounded)


def _optimistic(count: Count, unseen: int) -> dict[str, int]:
    return _tally(count.passed + count.unknown + unseen * count.unbounded, count.failed)


def _tally(passed: int, failed: int) -> dict[str, int]:
    return {"passed": passed, "failed": failed, "total": passed + failed}


def _verdict(programs: Programs, end: cel.Activation) -> Verdict:
    if programs.applies is not None:
        applies = programs.applies.evaluate(end)
        if applies is not True:
            return Verdict.UNKNOWN if applies is None else Verdict.NOT_APPLICABLE
    met = programs.met.evaluate(end)
    if met is None:
        return Verdict.UNKNOWN
    return Verdict.PASS if met else Verdict.FAIL


def _quantity(program: Program[int], verdicts: list[Verdict], judged: tuple[cel.Activation, ...]) -> Quantity:
    """Return what is needed surely and at most; an end that does not fail needs nothing there."""
    at_ends = [_at_end(program, verdict, end) for verdict, end in zip(verdicts, judged, strict=True)]
    certain = min(one.certain for one in at_ends)
    possible = [one.possible for one in at_ends if one.possible is not None]
    return Quantity(
        certain=certain if certain < _COUNTABLE else 0,
        possible=max(possible) if len(possible) == len(at_ends) else None,
    )


def _at_end(program: Program[int], verdict: Verdict, end: cel.Activation) -> Quantity:
    if verdict not in (Verdict.FAIL, Verdict.UNKNOWN):
        return Quantity(0, 0)
    evaluated = program.evaluate(end)
    if evaluated is None:
        return Quantity(0, None)
    number = max(0, evaluated)
    return Quantity(number if verdict is Verdict.FAIL else 0, number if number < _COUNTABLE else None)


def _text(program: Program[str], ends: Ends) -> str:
    """Return a text for a person: the one of both ends, or the two; empty when an end has none."""
    texts = [program.evaluate(end) for end in ends.shown]
    if None in texts or "" in texts:
        return ""
    text = texts[0] if len(set(texts)) == 1 else f"entre {texts[0]} et {texts[-1]}"
    counted = ends.judged is ends.shown or [program.evaluate(end) for end in ends.judged] == texts
    return f"{text}" if counted else f"{text}{_SEEN_ONLY}"
