"""Any protobuf message, with any of its fields left out."""

from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

AnyMessage = TypeVar("AnyMessage", bound=Message)

_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_STRING: st.text(max_size=8),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=36),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    # Also numbers that only a newer version knows.
    FieldDescriptor.TYPE_ENUM: st.integers(0, 9),
}


def messages(kind: type[AnyMessage]) -> st.SearchStrategy[AnyMessage]:
    """Return a strategy for messages of a type."""
    return _fields(kind.DESCRIPTOR).map(lambda fields: kind(**fields))


@cache
def _fields(descriptor: Descriptor) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for the arguments of a message's constructor."""
    return st.fixed_dictionaries({}, optional={field.name: _values(field) for field in descriptor.fields})


def _values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    one = _fields(field.message_type) if field.message_type else _SCALARS[field.type]
    return st.lists(one, max_size=2) if field.is_repeated else one
