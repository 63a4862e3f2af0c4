"""Conditions written in CEL: type-checked against the context messages, evaluated over presence-preserving maps."""

import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Generic, TypeVar

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_math, ext_strings
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from prerequis.v1.context_pb2 import SiteContext, WorkstationContext
from prerequis_rules.knowledge import numbers
from prerequis_rules.model import Scope

Result = TypeVar("Result", bool, int, str)

_CONTEXTS: Mapping[Scope, Descriptor] = {
    Scope.WORKSTATION: WorkstationContext.DESCRIPTOR,
    Scope.SITE: SiteContext.DESCRIPTOR,
}
_RESULTS: Mapping[type, cel.Type] = {bool: cel.Type.BOOL, int: cel.Type.INT, str: cel.Type.STRING}
_ISSUE = re.compile(
    r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(\d+):(\d+): (.*?)(?: \[INVALID_ARGUMENT\])?$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault of an expression; line and column count from 1, in characters of the expression."""

    line: int
    column: int
    message: str


class ExpressionError(Exception):
    """An expression does not compile, or does not give the type that its place asks for."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = issues


_ENDING = re.compile(r"\((?:(?P<singular>\w+)\|)?(?P<plural>\w+)\)")


def gigabytes(size: int) -> str:
    """Return a size in bytes as French text in Go of 2^30 bytes, as operating systems show memory: "8,0 Go"."""
    return f"{size / 2**30:.1f} Go".replace(".", ",")


def megabits(rate: float) -> str:
    """Return a rate in bits per second as French text: "20,0 Mbit/s"."""
    return f"{rate / 1e6:.1f} Mbit/s".replace(".", ",")


def rate(bits_per_second: float) -> str:
    """Return a rate in both units that people speak of, in French: "20,0 Mbit/s (2 500 Ko/s)"; 1 Ko = 1000 o."""
    kilobytes = f"{bits_per_second / 8000:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{megabits(bits_per_second)} ({kilobytes} Ko/s)"


def milliseconds(seconds: float) -> str:
    """Return a duration in seconds as French text: "35 ms"."""
    return f"{seconds * 1000:.0f} ms"


def date(moment: datetime) -> str:
    """Return the day of a moment (UTC) as the French write it: "22/11/2026"."""
    return f"{moment:%d/%m/%Y}"


def counted(many: int, text: str) -> str:
    """Return a number and its words in the French singular or plural: of "compte(s) loca(l|ux)", "2 comptes locaux"."""
    plural = abs(many) > 1
    return f"{many} " + _ENDING.sub(lambda found: (found["plural"] if plural else found["singular"]) or "", text)


def ceil_div(dividend: int, divisor: int) -> int:
    """Return the quotient rounded up; a divisor under 1 is an error, which CEL turns into an unknown."""
    if divisor < 1:
        raise ValueError("divisor under 1")
    return -(-dividend // divisor)


def at_least(version: str, minimum: str) -> bool:
    """Return whether a version is not lower than another, number by number; one that is none is an error, unknown."""
    one, other = numbers(version), numbers(minimum)
    if not one or not re.fullmatch(r"[0-9]+(\.[0-9]+)*", minimum):
        raise ValueError("no version")
    while other and not other[-1]:  # 5.2.0 asks for no more than 5.2
        other = other[:-1]
    return one >= other


_FUNCTIONS: tuple[tuple[Callable[..., str | int | bool], tuple[cel.Type, ...], cel.Type], ...] = (
    (gigabytes, (cel.Type.INT,), cel.Type.STRING),
    (megabits, (cel.Type.DOUBLE,), cel.Type.STRING),
    (megabits, (cel.Type.INT,), cel.Type.STRING),
    (rate, (cel.Type.DOUBLE,), cel.Type.STRING),
    (milliseconds, (cel.Type.DOUBLE,), cel.Type.STRING),
    (counted, (cel.Type.INT, cel.Type.STRING), cel.Type.STRING),
    (date, (cel.Type.TIMESTAMP,), cel.Type.STRING),
    (ceil_div, (cel.Type.INT, cel.Type.INT), cel.Type.INT),
    (at_least, (cel.Type.STRING, cel.Type.STRING), cel.Type.BOOL),
)


def _declarations() -> list[cel.FunctionDecl]:
    overloads: dict[str, list[cel.Overload]] = {}
    for implementation, parameters, result in _FUNCTIONS:
        name = implementation.__name__
        overload = cel.Overload(
            "_".join([name, *(parameter.name().lower() for parameter in parameters)]),
            return_type=result,
            parameters=parameters,
            impl=implementation,
        )
        overloads.setdefault(name, []).append(overload)
    return [cel.FunctionDecl(name, of_one_name) for name, of_one_name in overloads.items()]


def _environment(variables: Mapping[str, cel.Type]) -> cel.Env:
    return cel.NewEnv(
        variables=variables,
        container="prerequis.v1",
        extensions=[ext_bindings.ExtBindings(), ext_math.ExtMath(), ext_strings.ExtStrings()],
        functions=_declarations(),
    )


def _type_of(field: FieldDescriptor) -> cel.Type:
    """Return the CEL type of a variable; every field of a context is a message or a map of messages."""
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return cel.Type.Map(cel.Type.STRING, _type_of(message.fields_by_name["value"]))
    if message is None:
        raise TypeError(f"{field.full_name} is neither a message nor a map of messages")
    return cel.Type(message.full_name)


@cache
def _typed(scope: Scope) -> cel.Env:
    return _environment({field.name: _type_of(field) for field in _CONTEXTS[scope].fields})


@cache
def _dynamic() -> cel.Env:
    names = {field.name for context in _CONTEXTS.values() for field in context.fields}
    return _environment(dict.fromkeys(names, cel.Type.DYN))


@dataclass(frozen=True, slots=True)
class Program(Generic[Result]):
    """A compiled expression."""

    expression: cel.Expression
    result: type[Result]

    def evaluate(self, activation: cel.Activation) -> Result | None:
        """Return the value over an activation; None when anything it needs is not known."""
        found = self.expression.eval(activation)
        value = found.value()
        # The value of an error is its text, so that only a text needs its type looked at, which takes time.
        if type(value) is not self.result or (self.result is str and found.type() == cel.Type.ERROR):
            return None
        known: Result = value
        return known


def compile_expression(
    text: str, scope: Scope, result: type[Result], checked: MutableMapping[str, bytes] | None = None
) -> Program[Result]:
    """Return the compiled form of an expression over a scope's context; raises ExpressionError.

    What stands in `checked` was checked before; what is checked now is added to it.

    The check is made against the protobuf descriptors; the program then runs over plain maps, because only there a
    field that is not set is an error (NOT_FOUND) instead of a zero.
    """
    checked = {} if checked is None else checked
    key = f"{scope} {result.__name__} {text}"
    if key not in checked:
        checked[key] = _check(text, scope, result)
    return Program(_dynamic().deserialize(checked[key]), result)


def _check(text: str, scope: Scope, result: type[bool | int | str]) -> bytes:
    """Return the expression as the type-checker serialises it."""
    try:
        checked = _typed(scope).compile(text)
    except RuntimeError as error:
        raise ExpressionError(_issues(str(error))) from error
    given, wanted = checked.return_type(), _RESULTS[result]
    if given != wanted:
        raise ExpressionError((Issue(1, 1, f"l'expression donne {given.name()}, il faut {wanted.name()}"),))
    serialised: bytes = checked.serialize()
    return serialised


def activate(context: Mapping[str, object]) -> cel.Activation:
    """Return what programs are evaluated over: one for each subject, shared by all rules."""
    return _dynamic().Activation(context)


def _issues(report: str) -> tuple[Issue, ...]:
    """Return the faults that the compiler reports, without those that only follow from another."""
    found = [Issue(int(line), int(column), message) for line, column, message in _ISSUE.findall(report)]
    return tuple(issue for issue in found if "'*error*'" not in issue.message) or (Issue(1, 1, report),)
