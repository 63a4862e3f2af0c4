"""Whether a rule keeps its word when something is not known: less knowledge may leave it undecided, never change it.

CEL's logic sees to that by itself, but has() and counting what a list holds can break it.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from operator import attrgetter, itemgetter
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from prerequis.v1.context_pb2 import SiteContext, WorkstationContext
from prerequis_rules.cases import run_case
from prerequis_rules.model import Case, Count, Rule, Scope, Verdict
from prerequis_rules.pack import Pack

_Step = Callable[[Any], Any]
_Place = tuple[tuple[str, ...], tuple[_Step, ...]]

_NEVER_FORGOTTEN = ("profile", "now")
"""Every site has a profile, every judgement a day."""


def broken_promises(pack: Pack) -> tuple[str, ...]:
    """Return one sentence for each case whose verdict changes when less is known, and each rule that knows too much.

    A rule knows too much when it decides over an empty context; a case may only become UNKNOWN.
    """
    found: list[str] = []
    for rule in pack.rules.values():
        silent = run_case(pack, rule, _nothing_known(pack, rule)).verdict
        if silent not in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE):
            found.append(f"{rule.cases[0].place}: la règle « {rule.id} » donne {silent} alors que rien n'est connu")
        for case in rule.cases:
            for forgotten, less in _forgetful(case):
                verdict = run_case(pack, rule, less).verdict
                if verdict not in (case.verdict, Verdict.UNKNOWN):
                    change = f"{case.verdict} devient {verdict} quand {forgotten} n'est pas connu"
                    found.append(f"{case.place}: cas « {case.name} » : {change}")
    return tuple(found)


def _nothing_known(pack: Pack, rule: Rule) -> Case:
    context: WorkstationContext | SiteContext = WorkstationContext()
    if rule.scope is Scope.SITE:
        context = SiteContext()
    context.now.CopyFrom(rule.cases[0].context.now)
    counts = {one.id: Count(unbounded=True) for one in pack.of_scope(Scope.WORKSTATION)}
    return Case("", "", context, counts, Verdict.UNKNOWN, {})


def _forgetful(case: Case) -> Iterator[tuple[str, Case]]:
    """Yield the case without one of the things it knows, for each, with the name of what is left out."""
    for path, steps in _known(case.context, (), ()):
        less = deepcopy(case.context)
        holder: Any = less
        for step in steps:
            holder = step(holder)
        holder.ClearField(path[-1])
        yield ".".join(path), replace(case, context=less)
    for rule, count in case.counts.items():
        for passed, failed in ((1, 0), (0, 1), (1, 1)):
            if passed <= count.passed and failed <= count.failed:
                unsure = Count(
                    count.passed - passed, count.failed - failed, count.unknown + passed + failed, count.unbounded
                )
                yield f"un poste de tally['{rule}']", replace(case, counts={**case.counts, rule: unsure})


def _known(message: Message, path: tuple[str, ...], steps: tuple[_Step, ...]) -> Iterator[_Place]:
    """Yield the path of every optional field and sub-message that is set, and the steps to the message that has it."""
    for field, value in message.ListFields():
        if not path and field.name in _NEVER_FORGOTTEN:
            continue
        here: tuple[str, ...] = (*path, field.name)
        inside: tuple[_Step, ...] = (*steps, attrgetter(field.name))
        if field.is_repeated:
            for key, item in _items(field, value):
                yield from _known(item, (*here, str(key)), (*inside, itemgetter(key)))
        elif field.has_presence:
            if path:
                yield here, steps
            if field.message_type is not None:
                yield from _known(value, here, inside)


def _items(field: FieldDescriptor, value: Any) -> Iterable[tuple[object, Message]]:
    """Return the messages of a list or a map with their places; none of one that holds something else."""
    if field.message_type is None:
        return ()
    entry = field.message_type.GetOptions().map_entry
    return sorted(value.items()) if entry else enumerate(value)
