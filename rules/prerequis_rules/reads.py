"""What an expression reads of its context, from its text; rather too much than too little."""

import re
from collections.abc import Iterable

from prerequis.v1.context_pb2 import SiteContext, WorkstationContext

Read = tuple[str, str]
"""A variable and one of its fields or keys: ("facts", "antivirus"), ("answers", "update-policy")."""

WHOLE = "*"
"""In the place of a field: the variable as a whole, or a part of it that the text does not name."""

_VARIABLES = sorted(
    {field.name for one in (WorkstationContext, SiteContext) for field in one.DESCRIPTOR.fields} - {"now"}
)

# A name inside a string or of a field of something else is taken as well, which does no harm.
_READ = re.compile(
    rf"(?<!\w)({'|'.join(_VARIABLES)})\b"
    r"(?:\s*\.\s*(?P<field>\w+)\b(?!\s*\()|\s*\[\s*(['\"])(?P<key>[\w-]+)\3\s*\])?"
)


def reads_of(expressions: Iterable[str]) -> frozenset[Read]:
    """Return all that the expressions read, besides `now`, which every judgement has."""
    found = (match for text in expressions for match in _READ.finditer(text))
    return frozenset((match[1], match["field"] or match["key"] or WHOLE) for match in found)
