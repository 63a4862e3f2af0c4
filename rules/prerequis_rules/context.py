"""Presence-preserving maps: a protobuf message as a plain dict in which what is not known is not there."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from prerequis.v1.register_pb2 import Profile

_UNKNOWN = object()
_Convert = Callable[[Any], Any]

# The range of Timestamp (google/protobuf/timestamp.proto): years 1 to 9999.
_SECONDS = range(-62_135_596_800, 253_402_300_800)
_NANOS = range(1_000_000_000)


def known(message: Message, only: Collection[str] | None = None) -> dict[str, Any]:
    """Return the message as a map of CEL values; with `only`, of the fields of these names.

    Missing: unset optional fields, absent sub-messages, enumerations at 0 or at a number of a newer version, numbers
    that are not finite and moments out of range. Always there: repeated fields and maps, and scalars without presence.
    A moment stays a Timestamp message, which is what CEL takes inside a map.
    """
    plan, always = _plan(message.DESCRIPTOR)
    values = {name: default() for name, default in always}
    for name, value in _set(message, only):
        converted = plan[name](value)
        if converted is not _UNKNOWN:
            values[name] = converted
    return values


def _set(message: Message, only: Collection[str] | None) -> Iterator[tuple[str, Any]]:
    """Yield the fields that are set: looked for by name where only some are wanted, for a machine has many."""
    if only is None:
        yield from ((field.name, value) for field, value in message.ListFields())
        return
    fields = message.DESCRIPTOR.fields_by_name
    for name in only:
        field = fields.get(name)
        if field is not None and (message.HasField(name) if field.has_presence else getattr(message, name)):
            yield name, getattr(message, name)


def in_range(moment: Timestamp) -> bool:
    """Return whether a moment is one: a machine may report any numbers."""
    return moment.seconds in _SECONDS and moment.nanos in _NANOS


def laid_over(base: Profile, over: Profile) -> Profile:
    """Return the base profile with each field that `over` sets put in the place of its own."""
    replaced = {field.name for field, _ in over.ListFields()}
    merged = Profile(**{field.name: value for field, value in base.ListFields() if field.name not in replaced})
    merged.MergeFrom(over)
    return merged


@cache
def _plan(descriptor: Descriptor) -> tuple[Mapping[str, _Convert], tuple[tuple[str, Callable[[], Any]], ...]]:
    converters = {field.name: _converter(field) for field in descriptor.fields}
    always: list[tuple[str, Callable[[], Any]]] = []
    for field in descriptor.fields:
        if _map_entry(field):
            always.append((field.name, dict))
        elif field.is_repeated:
            always.append((field.name, list))
        elif not field.has_presence and field.enum_type is None:
            always.append((field.name, _constant(field.default_value)))
    return converters, tuple(always)


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def _map_entry(field: FieldDescriptor) -> Descriptor | None:
    message = field.message_type
    return message if message is not None and message.GetOptions().map_entry else None


def _converter(field: FieldDescriptor) -> _Convert:
    entry = _map_entry(field)
    if entry is not None:
        one = _single(entry.fields_by_name["value"])
        return lambda entries: {key: one(value) for key, value in entries.items()}
    one = _single(field)
    if field.is_repeated:
        return lambda values: [item for item in map(one, values) if item is not _UNKNOWN]
    return one


def _single(field: FieldDescriptor) -> _Convert:
    if field.message_type is not None:
        return _moment if field.message_type.full_name == "google.protobuf.Timestamp" else known
    if field.enum_type is not None:
        return _enumeration(field.enum_type)
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return lambda number: number if math.isfinite(number) else _UNKNOWN
    return lambda value: value


def _enumeration(enum: EnumDescriptor) -> _Convert:
    numbers = frozenset(enum.values_by_number) - {0}
    return lambda number: number if number in numbers else _UNKNOWN


def _moment(moment: Timestamp) -> object:
    return moment if in_range(moment) else _UNKNOWN
