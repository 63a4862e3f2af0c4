"""Requests of any method, made from the description of its messages: a method added later is tried too."""

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


def request_of(method: str) -> Message:
    """Return an empty request of a method, given by its path."""
    service, name = method.removeprefix("/").split("/")
    found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    return GetMessageClass(found.input_type)()


def filled(request: Message, words: str, **given: str) -> Message:
    """Return the request with the same words in every text that is not given."""
    for name in texts_of(request):
        setattr(request, name, given.get(name, words))
    return request


def texts_of(request: Message) -> list[str]:
    """Return the names of the request's texts."""
    fields = request.DESCRIPTOR.fields
    return [one.name for one in fields if one.type == FieldDescriptor.TYPE_STRING and not one.is_repeated]
