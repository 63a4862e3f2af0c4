"""What the tests of this folder share: which fields of the facts each confirms, and how a witness is asked."""

import subprocess
from collections.abc import Callable, Iterator
from shutil import which
from typing import TypeVar

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

Test = TypeVar("Test", bound=Callable[..., None])

CONFIRMED: dict[str, str] = {}
"""The test that confirms each field, by the field's path."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def confirms(*fields: str) -> Callable[[Test], Test]:
    """Say which fields of the facts a test compares with what another program says."""

    def note(test: Test) -> Test:
        CONFIRMED.update(dict.fromkeys(fields, test.__name__))
        return test

    return note


def said(*argv: str) -> str:
    """Return what a program of the system writes; skips the test where it is not installed."""
    if which(argv[0], path=ENVIRONMENT["PATH"]) is None:
        pytest.skip(f"{argv[0]} is the witness, and is not installed")
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=30).stdout


def shell(script: str) -> str:
    """Return what a line of shell writes."""
    return said("sh", "-c", script)


def listening(*options: str) -> set[int]:
    """Return the ports on which `ss` sees this machine listen to others."""
    rows = [line.split() for line in said("ss", "-Hnl", *options).splitlines()]
    places = [row[3].rpartition(":") for row in rows if len(row) > 3]
    return {int(port) for place, _, port in places if port.isdecimal() and not place.startswith(("127.", "[::1]"))}


def claims(message: Message, path: str = "") -> Iterator[str]:
    """Give the path of each field that says something: one that is set, and each list, which when empty says none.

    A message that is present and empty says that there is nothing, and is a claim itself.
    """
    nothing = True
    for field in message.DESCRIPTOR.fields:
        place = f"{path}.{field.name}" if path else field.name
        value = getattr(message, field.name)
        if field.is_repeated:
            nothing = False
            yield place
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                for each in value:
                    yield from claims(each, place)
        elif message.HasField(field.name):
            nothing = False
            if field.type == FieldDescriptor.TYPE_MESSAGE and not isinstance(value, Timestamp):
                yield from claims(value, place)
            else:
                yield place
    if nothing and path:
        yield path
