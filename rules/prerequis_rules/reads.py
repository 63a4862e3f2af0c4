"""What an expression reads of its context, from its text; rather too much than too little."""

import re
from collections.abc import Iterable, Iterator

from prerequis.v1.context_pb2 import SiteContext, WorkstationContext

Read = tuple[str, str]
"""A variable and one of its fields or keys: ("facts", "system.family"), ("answers", "update-policy")."""

Part = tuple[str, str]
"""A variable and one of its own fields or keys: ("facts", "system")."""

WHOLE = "*"
"""In the place of a field: the variable as a whole, or a part of it that the text does not name."""

DEEP = frozenset({"facts", "derived"})
"""Variables of which rules mostly read one field of a message: of `system`, its family."""

_VARIABLES = sorted(
    {field.name for one in (WorkstationContext, SiteContext) for field in one.DESCRIPTOR.fields} - {"now"}
)

# A name inside a string or of a field of something else is taken as well, which does no harm.
_READ = re.compile(
    rf"(?<!\w)({'|'.join(_VARIABLES)})\b"
    r"(?:\s*\.\s*(?P<field>\w+)\b(?!\s*\()(?:\s*\.\s*(?P<inner>\w+)\b(?!\s*\())?"
    r"|\s*\[\s*(?P<quote>['\"])(?P<key>[\w-]+)(?P=quote)\s*\])?"
)


def reads_of(expressions: Iterable[str]) -> frozenset[Read]:
    """Return all that the expressions read, besides `now`, which every judgement has."""
    found = (match for text in expressions for match in _READ.finditer(text))
    return frozenset((match[1], _part(match)) for match in found)


def part(read: Read) -> Part:
    """Return the part of the context that must be there for something to be read."""
    variable, field = read
    return variable, field.partition(".")[0]


def name(part: Part) -> str:
    """Return the name of a part: "facts.system"."""
    return ".".join(part)


def pieces(read: Read) -> Iterator[str]:
    """Yield the names of what must be the same for something read to be the same.

    A field that is not set of a message that is there is one thing, a message that is not there another.
    """
    variable, field = read
    yield f"{variable}.{field}"
    if "." in field:
        yield present(name(part(read)))


def present(message: str) -> str:
    """Return the name of the piece that tells whether a message is there."""
    return f"?{message}"


def _part(match: re.Match[str]) -> str:
    if match["inner"] and match[1] in DEEP:
        return f"{match['field']}.{match['inner']}"
    return match["field"] or match["key"] or WHOLE
