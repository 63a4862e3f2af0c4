"""The few statements on which the rate of arrival depends, each over all its rows at once, in its database's words.

Composing a statement anew costs SQLAlchemy more than the database needs to run it, and each row that SQLite gives or
takes by itself makes two threads pass the interpreter's lock to one another. So these are written out, and SQLite gets
its rows as JSON or as lists of a few fixed lengths, of which it keeps the compiled form.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from sqlmodel import Session

T = TypeVar("T")
Row = Sequence[object]


class Standing(NamedTuple):
    """What is known of an agent that is not revoked when it hands something in."""

    finess: str
    machine: str = ""
    """What tells the machine of its reports from others with its identity, in hexadecimal; "" while none said it."""
    number: int = 0
    """That of its last report; 0 while none was numbered."""
    numbered_at: datetime | None = None
    """When the machine made the latest of its numbered reports."""
    quarantined: bool = False
    """Several machines have its identity, and nobody has decided yet."""


_KNOWN_OF_AGENT = "finess, machine, number, numbered_at, quarantined"
_STANDING = {
    "sqlite": (
        f"SELECT json_group_object(id, json_array({_KNOWN_OF_AGENT})) FROM agents"  # noqa: S608 – the names are ours
        " WHERE id IN (SELECT value FROM json_each(?)) AND NOT revoked"
    ),
    "postgresql": (
        f"SELECT json_object_agg(id, json_build_array({_KNOWN_OF_AGENT})) FROM"  # noqa: S608 – as above
        " (SELECT * FROM agents WHERE id = ANY(%s) AND NOT revoked ORDER BY id FOR NO KEY UPDATE) AS standing"
    ),
}
_SEEN = {
    "sqlite": (
        "UPDATE agents SET last_seen = ?, machine = json_extract(given.value, '$[0]'),"
        " number = json_extract(given.value, '$[1]'), numbered_at = json_extract(given.value, '$[2]')"
        " FROM json_each(?) AS given WHERE agents.id = given.key"
    ),
    "postgresql": (
        "UPDATE agents SET last_seen = %s, machine = given.machine, number = given.number,"
        " numbered_at = given.numbered_at FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::timestamptz[])"
        " AS given(id, machine, number, numbered_at) WHERE agents.id = given.id"
    ),
}
_TOUCH = {
    "sqlite": "UPDATE sites SET revision = revision + 1 WHERE finess IN (SELECT value FROM json_each(?))",
    "postgresql": (
        "UPDATE sites SET revision = revision + 1 WHERE finess IN"
        " (SELECT finess FROM sites WHERE finess = ANY(%s) ORDER BY finess FOR NO KEY UPDATE)"
    ),
}
_COLUMNS = "digest, agent_id, finess, collected_at, received_at, compressed, signature"
_KNOWN = "SELECT digest FROM reports WHERE digest = ANY(%s)"
_INSERT = (
    f"INSERT INTO reports ({_COLUMNS}) SELECT * FROM unnest(%s::bytea[], %s::text[], %s::text[], %s::timestamptz[],"  # noqa: S608 – the names are ours
    " %s::timestamptz[], %s::bytea[], %s::bytea[]) ON CONFLICT DO NOTHING"
)


def standing_agents(transaction: Session, agent_ids: Collection[str]) -> dict[str, Standing]:
    """Return what is known of each of the agents that is not revoked, and lock their rows in the order of ids."""
    found = _run(transaction, _STANDING, _list(transaction, agent_ids)).scalar_one()
    rows: Mapping[str, Any] = json.loads(found) if isinstance(found, str) else found or {}
    return {
        agent_id: Standing(finess, machine, number, _moment(numbered_at), bool(quarantined))
        for agent_id, (finess, machine, number, numbered_at, quarantined) in rows.items()
    }


def note_seen(transaction: Session, agents: Mapping[str, Standing], at: datetime) -> None:
    """Note when these agents were last heard, and of which machine and report."""
    if not agents:
        return
    if transaction.connection().dialect.name == "sqlite":
        given = {
            agent_id: (one.machine, one.number, one.numbered_at and _text(one.numbered_at))
            for agent_id, one in agents.items()
        }
        _run(transaction, _SEEN, _text(at), json.dumps(given))
    else:
        columns = zip(*((one.machine, one.number, one.numbered_at) for one in agents.values()), strict=True)
        _run(transaction, _SEEN, at, list(agents), *map(list, columns))


def touch_sites(transaction: Session, finesses: Collection[str]) -> None:
    """Raise the revision of these sites by one, their rows locked in the order of numbers."""
    _run(transaction, _TOUCH, _list(transaction, finesses))


def known_digests(transaction: Session, digests: Collection[bytes]) -> set[bytes]:
    """Return those of the digests under which a report is kept."""
    connection = transaction.connection()
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql(_KNOWN, (list(digests),))
    else:
        padded = _padded(list(digests))
        marks = ",".join("?" * len(padded))
        found = connection.exec_driver_sql(f"SELECT digest FROM reports WHERE digest IN ({marks})", tuple(padded))  # noqa: S608 – marks only
    return set(found.scalars())


def insert_reports(transaction: Session, rows: Sequence[Row]) -> None:
    """Insert rows of reports, their values in the order of the table's columns, moments included; leave known ones."""
    connection = transaction.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_INSERT, tuple(list(column) for column in zip(*rows, strict=True)))
        return
    # A row that stands twice is left out the second time.
    padded = _padded([[_text(value) if isinstance(value, datetime) else value for value in row] for row in rows])
    marks = ",".join(["(?,?,?,?,?,?,?)"] * len(padded))
    values = tuple(chain.from_iterable(padded))
    statement = f"INSERT INTO reports ({_COLUMNS}) VALUES {marks} ON CONFLICT DO NOTHING"  # noqa: S608 – as above
    connection.exec_driver_sql(statement, values)


def _run(transaction: Session, statements: Mapping[str, str], *values: object) -> Any:
    connection = transaction.connection()
    return connection.exec_driver_sql(statements[connection.dialect.name], values)


def _list(transaction: Session, values: Collection[str]) -> object:
    return list(values) if transaction.connection().dialect.name == "postgresql" else json.dumps(list(values))


def _moment(text: str | None) -> datetime | None:
    """Return a moment that the database put into JSON."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text(moment: datetime) -> str:
    """Return a moment as SQLite keeps those of Instant columns."""
    return moment.astimezone(UTC).isoformat(" ", "microseconds").removesuffix("+00:00")


def _padded(values: Sequence[T]) -> list[T]:
    """Return the values, the last repeated until their number is a power of two."""
    missing = (1 << (len(values) - 1).bit_length()) - len(values)
    return [*values, *[values[-1]] * missing]
