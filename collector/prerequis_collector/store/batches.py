"""The few statements on which the rate of arrival depends, each over all its rows at once, in its database's words.

Composing a statement anew costs SQLAlchemy more than the database needs to run it, and each row that SQLite gives or
takes by itself makes two threads pass the interpreter's lock to one another. So these are written out, and SQLite gets
its rows as JSON or as lists of a few fixed lengths, of which it keeps the compiled form.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlmodel import Session

T = TypeVar("T")
Row = Sequence[object]

_STANDING = {
    "sqlite": (
        "SELECT json_group_object(id, finess) FROM agents WHERE id IN (SELECT value FROM json_each(?)) AND NOT revoked"
    ),
    "postgresql": (
        "SELECT json_object_agg(id, finess) FROM"
        " (SELECT id, finess FROM agents WHERE id = ANY(%s) AND NOT revoked ORDER BY id FOR NO KEY UPDATE) AS standing"
    ),
}
_SEEN = {
    "sqlite": "UPDATE agents SET last_seen = ? WHERE id IN (SELECT value FROM json_each(?))",
    "postgresql": "UPDATE agents SET last_seen = %s WHERE id = ANY(%s)",
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


def standing_agents(transaction: Session, agent_ids: Collection[str]) -> Mapping[str, str]:
    """Return the site of each of the agents that is not revoked, and lock their rows in the order of ids."""
    found = _run(transaction, _STANDING, _list(transaction, agent_ids)).scalar_one()
    sites: Mapping[str, str] = json.loads(found) if isinstance(found, str) else found or {}
    return sites


def note_seen(transaction: Session, agent_ids: Collection[str], at: datetime) -> None:
    """Note when these agents were last heard."""
    moment = _text(at) if transaction.connection().dialect.name == "sqlite" else at
    _run(transaction, _SEEN, moment, _list(transaction, agent_ids))


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
    padded = _padded(rows)
    marks = ",".join(["(?,?,?,?,?,?,?)"] * len(padded))
    values = tuple(_text(value) if isinstance(value, datetime) else value for row in padded for value in row)
    statement = f"INSERT INTO reports ({_COLUMNS}) VALUES {marks} ON CONFLICT DO NOTHING"  # noqa: S608 – as above
    connection.exec_driver_sql(statement, values)


def _run(transaction: Session, statements: Mapping[str, str], *values: object) -> Any:
    connection = transaction.connection()
    return connection.exec_driver_sql(statements[connection.dialect.name], values)


def _list(transaction: Session, values: Collection[str]) -> object:
    return list(values) if transaction.connection().dialect.name == "postgresql" else json.dumps(list(values))


def _text(moment: datetime) -> str:
    """Return a moment as SQLite keeps those of Instant columns."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(" ", "microseconds")


def _padded(values: Sequence[T]) -> list[T]:
    """Return the values, the last repeated until their number is a power of two."""
    missing = (1 << (len(values) - 1).bit_length()) - len(values)
    return [*values, *[values[-1]] * missing]
