"""The spool: nothing that it holds is lost, whatever happens to the disk."""

import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as some

from prerequis.v1.report_pb2 import Report
from prerequis_agent import durable, identity
from prerequis_agent.identity import Identity
from prerequis_agent.spool import Spool, SpoolError


@pytest.fixture
def known(identity_file: Path) -> Identity:
    return identity.load(identity_file)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def report(day: int, version: str = "1") -> Report:
    made = Report(agent_version=version)
    made.collected_at.FromDatetime(datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day))
    return made


def test_a_report_is_signed_and_known_by_its_content(spool: Spool, known: Identity) -> None:
    path = spool.put(report(0), known)
    (waiting,) = spool
    assert waiting.path == path
    assert waiting.digest == hashlib.sha256(waiting.signed.report).digest()
    assert Report.FromString(waiting.signed.report) == report(0)
    assert waiting.signed.certificate == known.certificate_der()
    known.key.public_key().verify(waiting.signed.signature, waiting.signed.report, ec.ECDSA(hashes.SHA256()))


def test_only_the_agents_account_may_read_reports(spool: Spool, known: Identity) -> None:
    path = spool.put(report(0), known)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_oldest_report_comes_first(spool: Spool, known: Identity) -> None:
    for day in (5, -40_000 // 24, 3, 30):
        spool.put(report(day), known)
    days = [Report.FromString(waiting.signed.report).collected_at.seconds for waiting in spool]
    assert days == sorted(days)
    assert len(spool) == 4


def test_the_same_report_waits_once(spool: Spool, known: Identity) -> None:
    spool.put(report(0), known)
    spool.put(report(0), known)
    assert len(spool) == 1


def test_a_kept_report_is_removed_once(spool: Spool, known: Identity) -> None:
    spool.put(report(0), known)
    (waiting,) = spool
    spool.remove(waiting)
    spool.remove(waiting)
    assert len(spool) == 0


def test_a_refused_report_is_set_aside_with_the_reason(spool: Spool, known: Identity) -> None:
    path = spool.put(report(0), known)
    content = path.read_bytes()
    (waiting,) = spool
    spool.set_aside(waiting, "Signature inconnue.")
    assert len(spool) == 0
    assert spool.count_refused() == 1
    assert (spool.refused / path.name).read_bytes() == content
    assert (spool.refused / f"{path.stem}.txt").read_text() == "Signature inconnue.\n"


def test_a_damaged_report_is_set_aside_and_the_others_are_given(spool: Spool, known: Identity) -> None:
    damaged = spool.put(report(0), known)
    damaged.write_bytes(damaged.read_bytes()[:-200])
    spool.put(report(1), known)
    assert [Report.FromString(waiting.signed.report) for waiting in spool] == [report(1)]
    assert spool.count_refused() == 1


@given(content=some.binary(max_size=400))
def test_no_content_of_a_file_breaks_the_spool(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"))
    (spool.refused.parent / f"{0:015d}-{'0' * 64}.report").write_bytes(content)
    assert list(spool) == []
    assert spool.count_refused() == 1


def test_where_the_quota_is_reached_the_oldest_reports_make_room_and_leave_a_line(
    tmp_path: Path, known: Identity
) -> None:
    size = len(Spool(tmp_path / "other").put(report(0), known).read_bytes())
    spool = Spool(tmp_path / "spool", quota_bytes=3 * size + size // 2)
    paths = [spool.put(report(day), known) for day in range(6)]
    assert [Report.FromString(waiting.signed.report) for waiting in spool] == [report(day) for day in (3, 4, 5)]
    assert spool.count_dropped() == 3
    lines = spool.dropped.read_text().splitlines()
    assert [line.split()[0] for line in lines] == [path.stem for path in paths[:3]]
    assert [line.split()[-1] for line in lines] == [path.stem.split("-")[1] for path in paths[3:]]


def test_a_report_larger_than_the_quota_drops_nothing(tmp_path: Path, known: Identity) -> None:
    spool = Spool(tmp_path / "spool", quota_bytes=2000)
    spool.put(report(0), known)
    with pytest.raises(SpoolError, match="plus gros que toute la file"):
        spool.put(report(1, "x" * 2000), known)
    assert (len(spool), spool.count_dropped()) == (1, 0)


def test_a_crash_between_writing_and_renaming_leaves_what_was_there(
    tmp_path: Path, spool: Spool, known: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.put(report(0), known)

    class Crash(BaseException):
        pass

    def crash(descriptor: int) -> None:
        raise Crash

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(Crash):
        spool.put(report(1), known)
    assert [Report.FromString(waiting.signed.report) for waiting in spool] == [report(0)]


def test_what_a_killed_process_left_half_written_is_no_report(spool: Spool, known: Identity) -> None:
    path = spool.put(report(0), known)
    (path.parent / f".{path.name}.abcd.tmp").write_bytes(path.read_bytes()[:100])
    assert len(spool) == 1
    assert len(list(spool)) == 1


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write(path, b"before")
    # The kernel refuses a file longer than RLIMIT_FSIZE as it refuses one on a full disk.
    program = f"""
import pathlib, resource, signal
from prerequis_agent import durable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    durable.write(pathlib.Path({str(path)!r}), bytes(5000))
except OSError as problem:
    print(problem.errno)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) == errno.EFBIG
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_sentence_and_loses_nothing(small_disk: Path, known: Identity) -> None:
    spool = Spool(small_disk / "spool")
    taken = 0
    with pytest.raises(SpoolError, match="disque plein") as refusal:
        for taken in range(100):
            spool.put(report(taken, "x" * 5000), known)
    assert "\n" not in str(refusal.value)
    assert 0 < taken < 100
    assert len(list(spool)) == taken
    spool.remove(next(iter(spool)))
    spool.put(report(100, "x" * 3000), known)
    assert len(list(spool)) == taken
