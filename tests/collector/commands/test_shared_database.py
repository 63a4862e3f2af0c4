"""Several collectors, each a process, on one PostgreSQL: one dies, nothing is lost and its work is taken over."""

import asyncio
import shutil
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc import aio
from tests.collector.commands.process import channel, enrolled, run, served
from tests.collector.conftest import SITE, Identity, report_of
from tests.collector.postgresql import new_database

from prerequis.command_line import ExitCode
from prerequis.v1.report_pb2 import Receipt, SignedReport, SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import ListSitesRequest
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis_collector import __main__ as program
from prerequis_collector import config
from prerequis_collector.opening import opened_database
from prerequis_collector.store.judging_jobs import JudgingJobs

pytestmark = pytest.mark.xdist_group("postgresql")


@pytest.fixture
def one(tmp_path: Path, prepared: Path, postgresql_server: str) -> Iterator[Path]:
    with new_database(postgresql_server) as url:
        data = tmp_path / "one"
        assert program.main(["--data", str(data), "init", "--name", "localhost", "--database", url]) == 0
        assert program.main(["--data", str(data), "site", "add", SITE, "--name", "Les Tilleuls"]) == 0
        shutil.copytree(prepared / "cache", data / "cache")
        yield data


@pytest.fixture
def other(one: Path) -> Path:
    """The folder of a second collector: the same authority, the same database."""
    return Path(shutil.copytree(one, one.parent / "other"))


def _operator(data: Path) -> Identity:
    path = data / "operator.toml"
    assert program.main(["--data", str(data), "operator", "create", "dsi", "--role", "dsi", "--out", str(path)]) == 0
    credential = tomllib.loads(path.read_text())
    key = serialization.load_pem_private_key(credential["key"].encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(credential["certificate"].encode())
    return Identity(key, (certificate.public_bytes(serialization.Encoding.DER),))


async def test_what_a_killed_collector_acknowledged_is_known_to_the_other_which_goes_on(one: Path, other: Path) -> None:
    kept: list[SignedReport] = []
    start = datetime.now(UTC) - timedelta(days=1)
    with served(one) as first, served(other) as second:
        agent, authority = await enrolled(one, first)

        async def rush(lane: int) -> None:
            """Hand in at the first, and from its death on at the second."""
            where = first
            for number in range(40):
                signed = agent.sign(report_of(f"PC-{lane}", at=start + timedelta(seconds=number)))
                while True:
                    try:
                        async with channel(where, agent, authority) as calls:
                            answer = await ReportServiceStub(calls).Submit(SubmitRequest(report=signed), timeout=60)
                        break
                    except aio.AioRpcError as error:
                        assert where is first, error
                        where = second
                assert answer.receipt.state in (Receipt.KEPT, Receipt.ALREADY_KEPT)
                kept.append(signed)

        async def kill() -> None:
            while len(kept) < 40:
                await asyncio.sleep(0.01)
            first.process.kill()

        await asyncio.gather(kill(), *(rush(lane) for lane in range(4)))
        assert len(kept) == 160
        async with channel(second, agent, authority) as calls:
            stub = ReportServiceStub(calls)
            answers = [await stub.Submit(SubmitRequest(report=signed)) for signed in kept]
    assert {answer.receipt.state for answer in answers} == {Receipt.ALREADY_KEPT}


async def test_who_is_revoked_through_one_collector_is_refused_by_the_other_on_the_next_call(
    one: Path, other: Path
) -> None:
    with served(one) as first, served(other) as second:
        agent, authority = await enrolled(one, first)
        async with channel(second, agent, authority) as calls:
            stub = ReportServiceStub(calls)
            signed = agent.sign(report_of())
            assert (await stub.Submit(SubmitRequest(report=signed))).receipt.state == Receipt.KEPT
            assert run(one, "agent", "revoke", agent.agent_id).returncode == 0
            with pytest.raises(aio.AioRpcError) as refused:
                await stub.Submit(SubmitRequest(report=signed))
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_what_a_dead_collector_was_judging_is_judged_by_another(one: Path) -> None:
    with opened_database(config.load(one)) as database, database.write() as transaction:
        now = datetime.now(UTC)
        JudgingJobs(transaction).lay([SITE])
        assert JudgingJobs(transaction).claim("dead", 1, now, now + timedelta(seconds=3)) == [SITE]
    with served(one) as where:
        dsi, authority = _operator(one), (one / "authority.pem").read_bytes()
        async with channel(where, dsi, authority) as calls:
            answer = await ReviewServiceStub(calls).ListSites(ListSitesRequest())
    assert [site.finess for site in answer.sites] == [SITE]
    assert datetime.now(UTC) >= now + timedelta(seconds=3)


def test_the_backup_of_a_shared_database_is_left_to_its_own_tools(one: Path, tmp_path: Path) -> None:
    done = run(one, "backup", str(tmp_path / "backup"))
    assert (done.returncode, "pg_dump" in done.stderr) == (ExitCode.WRONG_INPUT, True)
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("url", ["mysql://localhost/prerequis", "postgresql://nobody@127.0.0.1:1/prerequis"])
def test_a_database_that_is_none_or_not_there_leaves_no_folder_behind(tmp_path: Path, url: str) -> None:
    data = tmp_path / "none"
    assert program.main(["--data", str(data), "init", "--database", url]) != 0
    assert not data.exists() or not list(data.iterdir())
