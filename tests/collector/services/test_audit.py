"""The audit trail: whatever is done to it behind the program's back shows."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlmodel import col, select

from prerequis_collector.errors import InvalidInput, StorageUnavailable
from prerequis_collector.services.audit import Verification, anchor_text, note, parse_anchor, verify
from prerequis_collector.store import migrate
from prerequis_collector.store.audit import GENESIS, Audit, AuditRow, Head, sealed
from prerequis_collector.store.database import Database, Transaction
from prerequis_collector.store.writer import Writer

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


# No two rows may bear the same number, not even for a moment.
EXCHANGED = ";".join(
    (
        "UPDATE audit SET number = 9 WHERE number = 3",
        "UPDATE audit SET number = 3 WHERE number = 4",
        "UPDATE audit SET number = 4 WHERE number = 9",
    )
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'collector.sqlite3'}")
    migrate.upgrade(database)
    yield database
    database.close()


@pytest.fixture
def trail(database: Database) -> Database:
    for number in range(1, 6):
        with database.write() as transaction:
            note(
                transaction, "console", "site.save", f"33000000{number}", NOW, name="Les Tilleuls", workstations=number
            )
    return database


def _verified(database: Database, *anchors: Head) -> Verification:
    with database.read() as transaction:
        return verify(transaction, *anchors)


def _tamper(database: Database, *statements: str) -> None:
    with database.write() as transaction:
        for statement in statements:
            transaction.connection().execute(text(statement))


def _seal_anew(transaction: Transaction) -> None:
    """Do what somebody does who knows how the chain is made."""
    digest, number = GENESIS, 0
    rows = transaction.exec(select(AuditRow).order_by(col(AuditRow.number))).all()
    for number, row in enumerate(rows, start=1):
        row.number, row.digest = number, sealed(digest, number, row)
        digest = row.digest
    transaction.flush()
    transaction.connection().execute(
        text("UPDATE audit_head SET number = :number, digest = :digest"), {"number": number, "digest": digest}
    )


def test_an_untouched_trail_holds_and_tells_its_head(trail: Database) -> None:
    found = _verified(trail)
    assert found.faults == ()
    assert found.head.number == 5
    assert _verified(trail, found.head) == found


def test_an_empty_trail_holds(database: Database) -> None:
    assert _verified(database) == Verification(Head(0, GENESIS), ())


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "UPDATE audit SET author = 'operator:other' WHERE number = 3",
            "L'entrée 3 n'est plus celle qui a été écrite.",
        ),
        ("UPDATE audit SET detail = '{}' WHERE number = 1", "L'entrée 1 n'est plus celle qui a été écrite."),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE number = 5", "L'entrée 5 n'est plus"),
        ("UPDATE audit SET digest = zeroblob(32) WHERE number = 2", "L'entrée 2 n'est plus"),
        ("DELETE FROM audit WHERE number = 3", "Il manque l'entrée 3."),
        ("DELETE FROM audit WHERE number = 1", "Il manque l'entrée 1."),
        ("DELETE FROM audit WHERE number > 3", "Il manque les entrées 4 à 5."),
        ("DELETE FROM audit", "Il manque les entrées 1 à 5."),
        (EXCHANGED, "L'entrée 3 n'est plus"),
        ("UPDATE audit_head SET number = 4", "La fin notée dans la base (4)"),
        (
            "INSERT INTO audit (at, author, action, subject, detail) VALUES (0, '', '', '', '')",
            "Entrées ajoutées en dehors de la chaîne : 1.",
        ),
    ],
)
def test_what_is_changed_taken_out_moved_or_added_is_found(trail: Database, statement: str, fault: str) -> None:
    _tamper(trail, *statement.split(";"))
    faults = _verified(trail).faults
    assert faults
    assert faults[0].startswith(fault)


@pytest.mark.parametrize("value", ["NULL", "'zz'", "''", "x'ff00'", "-5", "3.7", "1e999", "CAST(x'ff00' AS TEXT)"])
@pytest.mark.parametrize("column", ["number", "at", "author", "action", "subject", "detail", "digest"])
def test_whatever_somebody_writes_into_a_column_is_found(trail: Database, column: str, value: str) -> None:
    try:
        _tamper(trail, f"UPDATE audit SET {column} = {value} WHERE number = 3")  # noqa: S608 – both are those above
    except DatabaseError:
        assert value == "NULL"  # which the columns forbid
        return
    faults = _verified(trail).faults
    assert any("entrée 3" in fault for fault in faults)
    with trail.read() as transaction:
        assert len(Audit(transaction).last(9)) == 5


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_head",
        "UPDATE audit_head SET number = 'zz'",
        "UPDATE audit_head SET digest = 'zz'",
        "UPDATE audit_head SET digest = CAST(x'ff00' AS TEXT)",
        "INSERT INTO audit_head VALUES (2, 9, x'00')",
    ],
)
def test_without_a_head_the_trail_is_at_fault_and_nothing_changes_any_more(trail: Database, statement: str) -> None:
    _tamper(trail, statement)
    assert _verified(trail).faults == ("La fin de la chaîne n'est plus notée dans la base, ou ne se lit plus.",)
    with pytest.raises(StorageUnavailable), trail.write() as transaction:
        note(transaction, "console", "site.save", "330000019", NOW)


def test_a_chain_cut_or_computed_anew_is_found_by_the_head_noted_elsewhere(trail: Database) -> None:
    head = _verified(trail).head
    _tamper(trail, "UPDATE audit SET author = 'operator:other' WHERE number = 3")
    with trail.write() as transaction:
        _seal_anew(transaction)
    assert _verified(trail).faults == ()
    assert _verified(trail, head).faults == (
        "L'entrée 5 n'a pas l'empreinte notée auparavant : la suite a été réécrite.",
    )
    _tamper(trail, "DELETE FROM audit WHERE number > 2")
    with trail.write() as transaction:
        _seal_anew(transaction)
    assert _verified(trail).faults == ()
    assert _verified(trail, head).faults == ("Il manque les entrées 3 à 5.",)


def test_what_comes_after_the_head_noted_elsewhere_is_no_fault(trail: Database) -> None:
    head = _verified(trail).head
    with trail.write() as transaction:
        note(transaction, "console", "site.save", "330000019", NOW)
    assert _verified(trail, head).faults == ()


def test_a_change_that_fails_leaves_no_entry_and_no_gap(database: Database) -> None:
    def fails(transaction: Transaction) -> None:
        note(transaction, "console", "site.save", "undone", NOW)
        raise InvalidInput("non")

    writer = Writer(database)
    with database.write():  # holds the lock, so that all three share one transaction
        jobs = [
            writer.submit(lambda transaction: note(transaction, "console", "site.save", "first", NOW)),
            writer.submit(fails),
            writer.submit(lambda transaction: note(transaction, "console", "site.save", "second", NOW)),
        ]
    assert [type(job.exception(10)) for job in jobs] == [type(None), InvalidInput, type(None)]
    writer.close()
    assert _verified(database) == Verification(_verified(database).head, ())
    with database.read() as transaction:
        assert [(row.number, row.subject) for _, row in Audit(transaction).last(9) if row] == [
            (1, "first"),
            (2, "second"),
        ]


def test_those_who_write_at_once_make_one_chain(database: Database) -> None:
    def write(number: int) -> None:
        with database.write() as transaction:
            note(transaction, "console", "site.save", str(number), NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(20)))
    assert (_verified(database).head.number, _verified(database).faults) == (20, ())


@given(st.integers(0, 10**15 - 1), st.binary(min_size=32, max_size=32))
def test_a_head_is_read_back_as_printed(number: int, digest: bytes) -> None:
    head = Head(number, digest)
    assert parse_anchor(anchor_text(head) + "\n") == head


@given(st.text())
def test_any_other_text_is_no_head(given_text: str) -> None:
    try:
        head = parse_anchor(given_text)
    except InvalidInput:
        return
    assert anchor_text(head).lstrip("0") == given_text.strip().lstrip("0")


def test_the_detail_is_kept_as_given(trail: Database) -> None:
    with trail.read() as transaction:
        ((_, row),) = Audit(transaction).last(1)
    assert row is not None
    assert json.loads(row.detail) == {"name": "Les Tilleuls", "workstations": 5}
