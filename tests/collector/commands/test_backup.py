"""A collector made again from its backup."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.collector.commands.process import channel, enrolled, run, served
from tests.collector.commands.signer import Signer
from tests.collector.conftest import report_of

from prerequis.command_line import ExitCode
from prerequis.v1.report_pb2 import Receipt, SignedReport, SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis_collector import __main__ as program
from prerequis_collector import config
from prerequis_collector.opening import load_authority, replace_secrets, server_identity
from prerequis_collector.services.authority import key_pem, new_key


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    path = tmp_path / "backup"
    assert program.main(["--data", str(data), "backup", str(path)]) == 0
    return path


def _restore(backup: Path, into: Path) -> int:
    return program.main(["--data", str(into), "restore", str(backup)])


async def test_a_backup_taken_in_the_rush_has_every_report_acknowledged_before_it_and_serves_again(
    data: Path, tmp_path: Path
) -> None:
    kept: list[SignedReport] = []
    start = datetime.now(UTC) - timedelta(days=1)
    backed_up = asyncio.Event()
    with served(data) as where:
        agent, authority = await enrolled(data, where)

        async def rush(lane: int) -> None:
            async with channel(where, agent, authority) as calls:
                stub = ReportServiceStub(calls)
                number = 0
                while not backed_up.is_set():
                    signed = agent.sign(report_of(f"PC-{lane}", at=start + timedelta(seconds=number)))
                    answer = await stub.Submit(SubmitRequest(report=signed))
                    assert answer.receipt.state == Receipt.KEPT
                    kept.append(signed)
                    number += 1
                    # All are handed in again below: a few hundred are rush enough.
                    await asyncio.sleep(0.02)

        async def back_up() -> int:
            while len(kept) < 40:
                await asyncio.sleep(0.01)
            before = len(kept)
            try:
                done = await asyncio.to_thread(run, data, "backup", str(tmp_path / "backup"))
            finally:
                backed_up.set()
            assert done.returncode == 0, done.stderr
            return before

        backing_up = asyncio.create_task(back_up())
        await asyncio.gather(backing_up, *(rush(lane) for lane in range(3)))
        before = backing_up.result()
        assert len(kept) > before
    again = tmp_path / "again"
    assert _restore(tmp_path / "backup", again) == 0
    with served(again) as where:
        async with channel(where, agent, authority) as calls:
            stub = ReportServiceStub(calls)
            answers = [await stub.Submit(SubmitRequest(report=signed)) for signed in kept]
    assert {answer.receipt.state for answer in answers[:before]} == {Receipt.ALREADY_KEPT}
    assert {answer.receipt.state for answer in answers[before:]} <= {Receipt.ALREADY_KEPT, Receipt.KEPT}


def test_what_is_restored_is_what_was_saved_and_only_its_owner_reads_either(
    data: Path, backup: Path, tmp_path: Path
) -> None:
    again = tmp_path / "deep" / "again"
    assert _restore(backup, again) == 0
    for name in ("collector.toml", "authority.pem", "authority.key"):
        assert (again / name).read_bytes() == (data / name).read_bytes()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (backup, again, *again.iterdir())}
    assert modes == {0o700, 0o600}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("backup")] == ["backup"]


def test_a_certificate_that_was_installed_is_shown_again_by_what_was_restored(data: Path, tmp_path: Path) -> None:
    known, organisation, key = config.load(data), Signer.root(), new_key()
    replace_secrets({known.server_key: key_pem(key), known.server_certificate: organisation.server(key.public_key())})
    assert program.main(["--data", str(data), "backup", str(tmp_path / "backup")]) == 0
    assert _restore(tmp_path / "backup", tmp_path / "again") == 0
    again = config.load(tmp_path / "again")
    shown = server_identity(again, load_authority(again), datetime.now(UTC)).current()
    assert (shown.key, shown.chain) == (known.server_key.read_bytes(), known.server_certificate.read_bytes())


def test_the_key_of_the_authority_does_not_stay_in_the_restored_database(backup: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert _restore(backup, again) == 0
    line = (again / "authority.key").read_bytes().splitlines()[1]
    assert line in backup.read_bytes()
    assert line not in (again / "collector.sqlite3").read_bytes()
    with closing(sqlite3.connect(again / "collector.sqlite3")) as database:
        assert "backup_files" not in {name for (name,) in database.execute("SELECT name FROM sqlite_master")}


def test_a_backup_overwrites_nothing(data: Path, backup: Path) -> None:
    before = backup.read_bytes()
    assert program.main(["--data", str(data), "backup", str(backup)]) == ExitCode.WRONG_INPUT
    assert backup.read_bytes() == before


def test_a_backup_that_finds_no_room_leaves_no_file(data: Path) -> None:
    path = data.parent / "backup"
    command = [sys.executable, "-m", "prerequis_collector", "--data", str(data), "backup", str(path)]
    # No file of the process may grow beyond one page: like a disk without a free block.
    limited = ["prlimit", "--fsize=4096", *command]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == ExitCode.REFUSED, done.stderr
    assert done.stderr.count("\n") == 1
    assert [one.name for one in data.parent.iterdir()] == [data.name]


def test_a_collector_is_not_restored_over_another(data: Path, backup: Path) -> None:
    before = _files(data)
    assert _restore(backup, data) == ExitCode.WRONG_INPUT
    assert _files(data) == before


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _scratched(content: bytes) -> bytes:
    """Return the backup with the references of its second page lost."""
    return content[:4096] + b"\0" * 64 + content[4160:]


@pytest.mark.parametrize("spoil", [_truncated, _scratched, lambda content: b"", lambda content: b"not a database"])
def test_a_spoilt_backup_is_refused_and_leaves_no_folder(
    backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: object
) -> None:
    assert callable(spoil)
    backup.write_bytes(spoil(backup.read_bytes()))
    capsys.readouterr()
    assert _restore(backup, tmp_path / "again") == ExitCode.WRONG_INPUT
    assert not (tmp_path / "again").exists()
    assert capsys.readouterr().err.count("\n") == 1


def test_a_bare_database_is_not_taken_for_a_backup(data: Path, tmp_path: Path) -> None:
    assert _restore(data / "collector.sqlite3", tmp_path / "again") == ExitCode.WRONG_INPUT


def test_a_database_elsewhere_is_left_to_its_own_tools(data: Path, tmp_path: Path) -> None:
    with (data / "collector.toml").open("a") as file:
        file.write('database = "postgresql://localhost/prerequis"\n')
    assert program.main(["--data", str(data), "backup", str(tmp_path / "backup")]) == ExitCode.WRONG_INPUT
    assert not (tmp_path / "backup").exists()
