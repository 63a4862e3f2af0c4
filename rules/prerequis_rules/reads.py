"""What an expression reads of its context, from its text; rather too much than too little."""

import re
from collections.abc import Iterable

from prerequis.v1.context_pb2 import SiteContext, WorkstationContext

Read = tuple[str, str]
"""A variable and one of its fields or keys: ("facts", "system.family"), ("answers", "update-policy")."""

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


def present(read: Read) -> Read:
    """Return what tells whether the message is there in which a field is read."""
    variable, field = read
    return variable, f"?{field.partition('.')[0]}"


def _part(match: re.Match[str]) -> str:
    if match["inner"] and match[1] in DEEP:
        return f"{match['field']}.{match['inner']}"
    return match["field"] or match["key"] or WHOLE
