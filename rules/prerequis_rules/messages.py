"""Protobuf messages written in TOML: closed, enumerations by name, bytes in hexadecimal, moments as TOML dates."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from prerequis_rules.schema import Table

AnyMessage = TypeVar("AnyMessage", bound=Message)

_INTEGERS = (
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
)
_DECIMALS = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)


class _Unfit(Exception):
    """A value does not fit its field; its text ends a sentence that begins with the field's name."""


def moment(value: date) -> Timestamp:
    """Return a date (its midnight in UTC) or a moment (UTC unless it says otherwise) as a Timestamp."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    stamp = Timestamp()
    stamp.FromDatetime(value if value.tzinfo else value.replace(tzinfo=UTC))
    return stamp


def read_message(table: Table, message: AnyMessage, *, besides: Collection[str] = ()) -> AnyMessage:
    """Return the message filled with the table's values; reports what does not fit and keys that are no field.

    `besides` names the keys that the caller reads itself.
    """
    message.SetInParent()
    fields = _fields(message.DESCRIPTOR)
    for key, value in table.data.items():
        if key in besides:
            continue
        field = fields.get(key)
        if field is None:
            table.report(key, f"« {key} » n'est pas un champ de {message.DESCRIPTOR.name}")
            continue
        try:
            _fill(table, message, field, value)
        except _Unfit as unfit:
            table.report(key, f"« {key} » {unfit}")
    return message


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {field.name: field for field in descriptor.fields}


def _fill(table: Table, message: Message, field: FieldDescriptor, value: object) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        raise _Unfit("ne s'écrit pas ici")
    if field.is_repeated:
        if not isinstance(value, list):
            raise _Unfit("doit être une liste")
        target: Any = getattr(message, field.name)
        for index, item in enumerate(value):
            if field.message_type is None:
                target.append(_scalar(field, item))
            else:
                read_message(_sub_table(table, (field.name, index), item), target.add())
    elif field.message_type is None:
        setattr(message, field.name, _scalar(field, value))
    elif field.message_type.full_name == "google.protobuf.Timestamp":
        if not isinstance(value, date):
            raise _Unfit("doit être une date")
        getattr(message, field.name).CopyFrom(moment(value))
    else:
        read_message(_sub_table(table, (field.name,), value), getattr(message, field.name))


def _sub_table(table: Table, steps: tuple[str | int, ...], value: object) -> Table:
    if not isinstance(value, dict):
        raise _Unfit("doit être une table")
    return Table(table.document, (*table.path, *steps), value)


def _scalar(field: FieldDescriptor, value: object) -> object:
    """Return the value in the field's Python type."""
    if field.enum_type is not None:
        return _number_of(field.enum_type, value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(value)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING and isinstance(value, str):
        return value
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL and isinstance(value, bool):
        return value
    if field.cpp_type in _DECIMALS and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if field.cpp_type in _INTEGERS and isinstance(value, int) and not isinstance(value, bool):
        bits = 31 if field.cpp_type == FieldDescriptor.CPPTYPE_INT32 else 63
        if -(2**bits) <= value < 2**bits:
            return value
        raise _Unfit(f"ne tient pas dans {bits + 1} bits")
    raise _Unfit("n'est pas du bon type")


def _number_of(enum: EnumDescriptor, value: object) -> int:
    numbers = {name: member.number for name, member in enum.values_by_name.items() if member.number}
    if not isinstance(value, str) or value not in numbers:
        raise _Unfit(f"doit être l'un de {', '.join(numbers)}")
    return numbers[value]


def _bytes(value: object) -> bytes:
    try:
        return bytes.fromhex(value if isinstance(value, str) else "?")
    except ValueError:
        raise _Unfit("doit être un texte hexadécimal") from None
