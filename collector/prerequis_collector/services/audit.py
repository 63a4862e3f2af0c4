"""Who changed what: writing it down with the change, and telling later whether anything written was touched."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from prerequis_collector.errors import InvalidInput
from prerequis_collector.store.audit import GENESIS, Audit, AuditRow, Head, sealed
from prerequis_collector.store.database import Transaction

CONSOLE = "console"
"""Whoever may run commands on the collector's machine."""

_MOST_FAULTS = 20
_ANCHOR = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})", re.ASCII)

Value = str | int | bool | None | list[str] | dict[str, int]


def operator(name: str) -> str:
    """Return how the trail names an operator as the author of a change."""
    return f"operator:{name}"


def note(transaction: Transaction, author: str, action: str, subject: str, now: datetime, **detail: Value) -> None:
    """Write a change down in the transaction that makes it; the detail has neither secrets nor names of people."""
    told = json.dumps(detail, sort_keys=True, ensure_ascii=False)
    Audit(transaction).add(AuditRow(at=now, author=author, action=action, subject=subject, detail=told))


@dataclass(frozen=True, slots=True)
class Verification:
    """What looking at the whole trail found."""

    head: Head
    """Where it ends now."""
    faults: tuple[str, ...]
    """What does not hold, one French sentence each; the first ones only, where there are many."""


def verify(transaction: Transaction, *anchors: Head) -> Verification:
    """Return whether the chain holds from its beginning, and still has what was noted elsewhere as its head.

    Without an anchor, somebody who computes the whole chain anew is not found out, nor one who cuts its end off and
    moves the head: hence the head is to be noted where the database's owner cannot reach.
    """
    found, outside = Head(0, GENESIS), 0
    faults: list[str] = []
    wanted = {anchor.number: anchor.digest for anchor in anchors}
    for number, row in Audit(transaction).all():
        if not isinstance(number, int):
            outside += 1
            continue
        # Where its own digest cannot be read, what follows cannot hold either.
        digest = (row and row.digest) or b""
        if number != found.number + 1:
            faults.append(_missing(found.number + 1, number - 1))
        elif row is None or sealed(found.digest, number, row) != digest:
            faults.append(f"L'entrée {number} n'est plus celle qui a été écrite.")
        if wanted.get(number, digest) != digest:
            faults.append(f"L'entrée {number} n'a pas l'empreinte notée auparavant : la suite a été réécrite.")
        found = Head(number, digest)
    faults += _ends(found, Audit(transaction).head(), anchors)
    if outside:
        faults.append(f"Entrées ajoutées en dehors de la chaîne : {outside}.")
    return Verification(found, tuple(islice(faults, _MOST_FAULTS)))


def _ends(found: Head, said: Head | None, anchors: tuple[Head, ...]) -> Iterator[str]:
    furthest = max(0 if said is None else said.number, *(anchor.number for anchor in anchors), 0)
    if furthest > found.number:
        yield _missing(found.number + 1, furthest)
    elif said is None:
        yield "La fin de la chaîne n'est plus notée dans la base, ou ne se lit plus."
    elif said != found:
        yield f"La fin notée dans la base ({said.number}) n'est pas celle de la chaîne ({found.number})."


def _missing(first: int, last: int) -> str:
    return f"Il manque l'entrée {first}." if first == last else f"Il manque les entrées {first} à {last}."


def anchor_text(head: Head) -> str:
    """Return a head as it is printed and noted."""
    return f"{head.number}:{head.digest.hex()}"


def parse_anchor(text: str) -> Head:
    """Return the head of a text that anchor_text gave; raises InvalidInput."""
    parts = _ANCHOR.fullmatch(text.strip())
    if not parts:
        raise InvalidInput(f"« {text.strip()} » n'est pas une tête de piste : numéro:empreinte, donnés par « verify ».")
    return Head(int(parts[1]), bytes.fromhex(parts[2]))
