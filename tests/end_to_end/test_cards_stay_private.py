"""What a card holds of its bearer goes nowhere: not into a report, the spool, the database or a log."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.agent.card_files import NAMES, SERIAL, CardFiles, certificate
from tests.agent.pcscd import needs_pcscd, pcscd, the_only_pcscd, wait
from tests.agent.test_cards import CPS4, inserted
from tests.end_to_end.installation import FINESS, Installation, waiting

from prerequis.command_line import ExitCode
from prerequis_collector.store.packing import unpacked


@pytest.fixture
def two_readers() -> Iterator[None]:
    with the_only_pcscd(), pcscd():
        yield


def secrets() -> list[bytes]:
    told = [*NAMES, SERIAL.hex(), SERIAL.hex().upper(), "EMPLOYE"]
    return [SERIAL, *(form for secret in told for form in (secret.encode(), secret.encode("utf-16-le")))]


def left_in(folder: Path) -> list[tuple[str, bytes]]:
    """Return where a secret lies, in a file as it is or in a report that the database keeps compressed."""
    kept = [(str(path.relative_to(folder)), path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    kept += [("a report", body) for path in folder.rglob("*.sqlite3") for body in reports_in(path)]
    return [(place, secret) for place, content in kept for secret in secrets() if secret in content]


def reports_in(database: Path) -> list[bytes]:
    with closing(sqlite3.connect(database)) as connection:
        return [unpacked(body) for (body,) in connection.execute("SELECT compressed FROM reports")]


@needs_pcscd
def test_the_bearer_of_a_card_is_in_no_report_spool_database_or_log(
    installation: Installation, two_readers: None
) -> None:
    installation.enrol()
    assert installation.stop() == 0
    with inserted(CPS4, answers=CardFiles.cps4(certificate())) as card:
        seen = base64.b64encode(CPS4).decode()
        wait(lambda: seen in installation.agent("scan", "--json", "--only", "smartcard").stdout)
        away = installation.agent("run", "--now", "--no-line")
        assert (away.returncode, waiting(installation)) == (ExitCode.UNREACHABLE, 1)
        assert left_in(installation.folder) == []
        # Nothing was sent to the card until now: an answer to reset needs no command.
        assert card.apdus == []
        counted = installation.agent("cards", "--json", "--type", "--seconds", "3")
    installation.start()
    assert installation.agent("send").returncode == ExitCode.DONE
    shown = json.dumps(installation.review("site", FINESS), ensure_ascii=False)
    assert "CPx, génération CPS4" in shown
    assert json.loads(counted.stdout)["types"] == [
        {"type": "CPS", "ends": "2029-05", "nominative": True, "test": False, "count": 1}
    ]
    assert [len(reports_in(path)) for path in installation.folder.rglob("*.sqlite3")] == [1]
    assert left_in(installation.folder) == []
    said = (away.stderr + counted.stdout + counted.stderr + shown).encode()
    assert [secret for secret in secrets() if secret in said] == []
