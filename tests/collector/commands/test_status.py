"""What a collector says that it holds, while it serves."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from tests.collector.conftest import Identity, Installation, report_of

from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis_collector import __main__ as program
from prerequis_collector.store import schema

Capture = pytest.CaptureFixture[str]


async def _status(installation: Installation, capsys: Capture) -> dict[str, object]:
    capsys.readouterr()
    assert await asyncio.to_thread(installation.run, "status", "--json") == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


async def test_an_empty_collector_has_no_oldest_report(installation: Installation, capsys: Capture) -> None:
    found = await _status(installation, capsys)
    assert (found["sites"], found["machines"], found["reports"]) == (1, 0, 0)
    assert found["oldestReport"] is found["newestReport"] is None


async def test_status_counts_while_the_collector_serves(
    installation: Installation, agent: Identity, capsys: Capture
) -> None:
    gone = await installation.enrol(installation.ticket(name="other"))
    assert installation.run("agent", "revoke", gone.agent_id) == 0
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    async with installation.channel(agent) as channel:
        for days in (0, 2, 1):
            report = report_of(at=newest - timedelta(days=days))
            await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report)))
    found = await _status(installation, capsys)
    assert (found["machines"], found["revokedMachines"], found["reports"]) == (1, 1, 3)
    assert found["newestReport"] == f"{newest:%Y-%m-%dT%H:%M:%SZ}"
    assert found["oldestReport"] == f"{newest - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    assert (found["schema"], found["packDigest"]) == (schema.HEAD, installation.collector.pack.digest)
    expires = installation.collector.authority.certificate.not_valid_after_utc
    assert found["authorityExpires"] == f"{expires:%Y-%m-%dT%H:%M:%SZ}"
    assert found["serving"] is True
    assert found["listen"] == str(installation.collector.reached_at.listen)
    own = x509.load_pem_x509_certificate((installation.data / "server.pem").read_bytes()).not_valid_after_utc
    assert found["certificateExpires"] == f"{own:%Y-%m-%dT%H:%M:%SZ}"
    free = found["freeBytes"]
    assert isinstance(free, int)
    assert free > 0
    size = found["databaseBytes"]
    assert isinstance(size, int)
    assert size >= 4096
    assert size % 512 == 0


async def test_people_read_the_same_in_french(installation: Installation, capsys: Capture) -> None:
    capsys.readouterr()
    assert await asyncio.to_thread(installation.run, "status") == 0
    told = capsys.readouterr().out
    assert [line.split("  ")[0] for line in told.splitlines()][-3:] == ["Rapports", "Le plus ancien", "Le plus récent"]
    assert " Mo\n" in told
    assert told.startswith("Sert")
    assert " oui\n" in told


def test_a_collector_that_does_not_serve_says_so(tmp_path: Path, capsys: Capture) -> None:
    data = tmp_path / "collector"
    assert program.main(["--data", str(data), "init", "--name", "localhost"]) == 0
    capsys.readouterr()
    assert program.main(["--data", str(data), "status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["serving"], found["certificateExpires"]) == (False, None)
