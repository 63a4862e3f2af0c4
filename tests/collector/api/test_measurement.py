"""Leases, results and turns, over real mutual TLS."""

import asyncio
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from tests.collector.conftest import SITE, Identity, Installation, refusal, report_of

from prerequis.v1.facts_pb2 import Line
from prerequis.v1.judgement_pb2 import Judgement
from prerequis.v1.line_pb2 import CAPACITY, PROVEN, SUFFICIENCY
from prerequis.v1.line_review_pb2 import GetLineRequest, LineMeasurement, ListLinesRequest
from prerequis.v1.line_review_pb2_grpc import LineReviewServiceStub
from prerequis.v1.measurement_pb2 import (
    AcquireLeaseRequest,
    AcquireLeaseResponse,
    GetPlanRequest,
    Lease,
    ReleaseLeaseRequest,
    RenewLeaseRequest,
)
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import GetSiteRequest
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis_collector.lease_keeper import free_ended, keeping_leases
from prerequis_collector.services import lease as memory

ATTENDED = AcquireLeaseRequest(method=SUFFICIENCY, attended=True)


def figure(down: float = 30e6, up: float = 30e6) -> Line:
    line = Line(loopback=False, confidence=Line.HIGH, rtt_seconds=0.03, method=SUFFICIENCY)
    for direction, rate in ((line.down, down), (line.up, up)):
        direction.bits_per_second, direction.stop, direction.censored = rate, PROVEN, True
    line.conditions.method_version = 1
    return line


async def acquire(
    installation: Installation, agent: Identity, request: AcquireLeaseRequest = ATTENDED
) -> AcquireLeaseResponse:
    async with installation.channel(agent) as channel:
        return await MeasurementServiceStub(channel).AcquireLease(request)


async def lend(installation: Installation, agent: Identity, machine: bytes = b"") -> Lease:
    request = AcquireLeaseRequest(method=SUFFICIENCY, attended=True, machine=machine)
    answer = await acquire(installation, agent, request)
    assert answer.HasField("lease"), answer.reason
    return answer.lease


async def test_a_lease_says_how_to_measure(installation: Installation, agent: Identity) -> None:
    lease = await lend(installation, agent)
    # Three professionals on one device: one user of 2 Mbit/s, shown with a quarter more.
    assert (lease.method, lease.user_bits_per_second) == (SUFFICIENCY, 2e6)
    assert (lease.down_target_bits_per_second, lease.up_target_bits_per_second) == (2.5e6, 2.5e6)
    assert (lease.streams, lease.server_load) == (4, 0)
    assert lease.port == installation.collector.reached_at.measure.port


async def test_who_waits_is_told_why_and_for_how_long(installation: Installation, agent: Identity) -> None:
    other = await installation.enrol(installation.ticket(name="other"))
    await lend(installation, agent)
    answer = await acquire(installation, other)
    assert not answer.HasField("lease")
    assert answer.retry_after.ToMilliseconds() > 0
    assert answer.reason == "Un autre poste mesure la ligne du site ou attend avant celui-ci."


async def test_what_was_measured_is_kept_shown_and_judged(installation: Installation, agent: Identity) -> None:
    lease = await lend(installation, agent)
    async with installation.channel(agent) as channel:
        stub = MeasurementServiceStub(channel)
        await stub.RenewLease(RenewLeaseRequest(token=lease.token))
        ended = await stub.ReleaseLease(ReleaseLeaseRequest(token=lease.token, result=figure()))
        assert not ended.contention
        again = await stub.ReleaseLease(ReleaseLeaseRequest(token=lease.token, result=figure(9e9)))
        assert not again.contention
    async with installation.channel(installation.operator("dsi")) as channel:
        review = LineReviewServiceStub(channel)
        line = await review.GetLine(GetLineRequest(finess=SITE))
        (listed,) = (await review.ListLines(ListLinesRequest())).lines
    (measurement,) = line.measurements
    assert measurement.result == figure()
    assert (measurement.workstation_id, measurement.attended) == (agent.agent_id, True)
    assert not measurement.HasField("discard")
    assert listed == line.summary
    measures = line.summary.measures
    assert (measures.down_bits_per_second, measures.down_censored) == (30e6, True)
    assert (measures.line_provisional, measures.line_sure, measures.line_results) == (True, True, 1)
    assert (line.summary.down_need_bits_per_second, line.summary.users, line.summary.users_at_least) == (2e6, 15, True)
    assert not line.summary.HasField("upgrade_bits_per_second")
    assert [(hour.results, hour.down_bits_per_second) for hour in line.hours] == [(1, 30e6)]


@pytest.mark.parametrize(
    ("measuring", "kept", "counts"),
    [(b"", b"\xaa", True), (b"\xaa" * 8, b"\xaa", True), (b"\xaa" * 8, b"\xbb", False)],
    ids=["an agent that does not say its machine", "the machine that is kept", "the machine that is replaced"],
)
async def test_what_a_copied_identity_measured_does_not_count_until_somebody_decides(
    installation: Installation, agent: Identity, measuring: bytes, kept: bytes, counts: bool
) -> None:
    first, second = b"\xaa" * 8, b"\xbb" * 8
    lease = await lend(installation, agent, machine=measuring)
    async with installation.channel(agent) as channel:
        await MeasurementServiceStub(channel).ReleaseLease(ReleaseLeaseRequest(token=lease.token, result=figure()))
        for machine in (first, second):
            report = report_of(f"PC-{machine[0]}", at=datetime.now(UTC) - timedelta(minutes=5))
            report.origin.machine, report.origin.number = machine, 1
            await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report)))
    dsi = installation.operator("dsi")
    for decided in (False, True):
        if decided:
            assert installation.run("agent", "keep", agent.agent_id, kept.hex()) == 0
        async with installation.channel(dsi) as channel:
            line = await LineReviewServiceStub(channel).GetLine(GetLineRequest(finess=SITE))
            (listed,) = (await LineReviewServiceStub(channel).ListLines(ListLinesRequest())).lines
            site = await ReviewServiceStub(channel).GetSite(GetSiteRequest(finess=SITE))
        verdicts = [one for framework in site.frameworks for one in framework.verdicts]
        (verdict,) = {one.verdict for one in verdicts if one.rule == "line-down"}
        assert listed == line.summary
        judged = decided and counts
        assert line.summary.measures.HasField("down_bits_per_second") == judged
        assert line.summary.discarded == (not judged)
        discards = [one.discard for one in line.measurements if one.HasField("discard")]
        assert discards == ([] if judged else [LineMeasurement.COPIED])
        assert verdict == (Judgement.PASS if judged else Judgement.UNKNOWN)


async def test_a_verdict_on_a_line_says_what_its_measure_lacks(installation: Installation, agent: Identity) -> None:
    dsi = installation.operator("dsi")

    async def reasons() -> list[str]:
        async with installation.channel(dsi) as channel:
            site = await ReviewServiceStub(channel).GetSite(GetSiteRequest(finess=SITE))
        verdicts = [one for framework in site.frameworks for one in framework.verdicts if one.rule == "line-down"]
        return list(verdicts[0].reasons)

    assert await reasons() == [
        "La ligne n'est pas mesurée : lancer « prerequis-agent measure » sur un poste câblé du site."
    ]
    lease = await lend(installation, agent)
    async with installation.channel(agent) as channel:
        await MeasurementServiceStub(channel).ReleaseLease(ReleaseLeaseRequest(token=lease.token, result=figure(3e6)))
    assert await reasons() == [
        "La ligne n'est pas assez mesurée : il faut cinq jours de pointe, ou un essai net par câble."
    ]


async def test_what_a_measured_site_without_reports_fails_on_is_not_said_to_be_its_register_alone(
    installation: Installation, agent: Identity
) -> None:
    assert installation.run("site", "add", SITE, "--name", "EHPAD", "--professionals", "24", "--workstations", "2") == 0
    lease = await lend(installation, agent)
    async with installation.channel(agent) as channel:
        await MeasurementServiceStub(channel).ReleaseLease(ReleaseLeaseRequest(token=lease.token, result=figure()))
    async with installation.channel(installation.operator("dsi")) as channel:
        site = await ReviewServiceStub(channel).GetSite(GetSiteRequest(finess=SITE))
    failed = [one for framework in site.frameworks for one in framework.verdicts if one.verdict == Judgement.FAIL]
    assert failed
    for one in failed:
        assert "ce qui a été mesuré du réseau du site" in one.reasons[0]


async def test_a_lease_that_its_machine_lets_go_is_freed_and_shown_as_unfinished(
    installation: Installation, agent: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "FIRST_STREAM_SECONDS", 0.2)
    await lend(installation, agent)
    other = await installation.enrol(installation.ticket(name="other"))
    ends = asyncio.get_running_loop().time() + 60
    while not (answer := await acquire(installation, other)).HasField("lease"):
        assert asyncio.get_running_loop().time() < ends, answer
        await asyncio.sleep(0.1)
    async with installation.channel(installation.operator("dsi")) as channel:
        line = await LineReviewServiceStub(channel).GetLine(GetLineRequest(finess=SITE))
    assert [one.discard for one in line.measurements] == [LineMeasurement.UNFINISHED] * 2
    assert line.summary.discarded == 2
    assert not line.summary.measures.HasField("down_bits_per_second")


async def test_a_result_that_no_measurement_gives_is_refused_and_the_line_freed(
    installation: Installation, agent: Identity
) -> None:
    lease = await lend(installation, agent)
    async with installation.channel(agent) as channel:
        huge = ReleaseLeaseRequest(token=lease.token, result=Line(server="x" * 70_000))
        code, _ = await refusal(MeasurementServiceStub(channel).ReleaseLease(huge))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    await free_ended(installation.collector)
    other = await installation.enrol(installation.ticket(name="other"))
    await lend(installation, other)


async def test_a_machine_by_cable_is_told_its_turn_and_measures_only_then(
    installation: Installation, agent: Identity
) -> None:
    monday = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    installation.collector.now = lambda: monday
    async with installation.channel(agent) as channel:
        stub = MeasurementServiceStub(channel)
        # What a person starts elects nobody.
        assert not (await stub.GetPlan(GetPlanRequest(attended=True, wireless=False))).HasField("measure_at")
        plan = await stub.GetPlan(GetPlanRequest(wireless=False))
        at = plan.measure_at.ToDatetime(UTC)
        # The morning's hand-over, in Paris.
        assert "06:30" <= at.strftime("%H:%M") < "08:30"
        by_itself = AcquireLeaseRequest(method=SUFFICIENCY)
        early = await stub.AcquireLease(by_itself)
        assert early.reason.startswith("La prochaine mesure de ce poste est prévue le 23/11 à 0")
        installation.collector.now = lambda: at
        lease = (await stub.AcquireLease(by_itself)).lease
        ended = await stub.ReleaseLease(ReleaseLeaseRequest(token=lease.token, result=figure()))
        assert ended.measure_at.ToDatetime(UTC) > at + timedelta(hours=1)
        assert not (await stub.AcquireLease(by_itself)).HasField("lease")


async def test_the_collectors_own_uplink_is_shared(installation: Installation, agent: Identity) -> None:
    installation.collector.leases.uplink_bits_per_second = 100e6
    assert installation.run("site", "add", "330000027", "--name", "Le Verger", "--professionals", "3") == 0
    path = installation.data / "elsewhere.toml"
    assert installation.run("ticket", "create", "--site", "330000027", "--out", str(path)) == 0
    other = await installation.enrol(str(tomllib.loads(path.read_text())["secret"]))
    lease = await acquire(installation, agent, AcquireLeaseRequest(method=CAPACITY, attended=True))
    assert lease.HasField("lease")
    request = AcquireLeaseRequest(method=SUFFICIENCY, attended=True, gateway=b"another")
    answer = await acquire(installation, other, request)
    assert "Le collecteur mesure déjà autant de lignes" in answer.reason


async def test_an_agent_reads_no_line_and_an_operator_takes_no_lease(
    installation: Installation, agent: Identity
) -> None:
    operator = installation.operator("technician")
    async with installation.channel(agent) as channel:
        code, _ = await refusal(LineReviewServiceStub(channel).GetLine(GetLineRequest(finess=SITE)))
        assert code == grpc.StatusCode.PERMISSION_DENIED
    async with installation.channel(operator) as channel:
        code, _ = await refusal(MeasurementServiceStub(channel).AcquireLease(ATTENDED))
        assert code == grpc.StatusCode.PERMISSION_DENIED
        code, _ = await refusal(LineReviewServiceStub(channel).GetLine(GetLineRequest(finess="990000010")))
        assert code == grpc.StatusCode.NOT_FOUND


async def test_a_collector_started_anew_frees_what_it_held(installation: Installation, agent: Identity) -> None:
    other = await installation.enrol(installation.ticket(name="other"))
    await lend(installation, agent)
    assert not (await acquire(installation, other)).HasField("lease")
    restarted = replace(installation.collector, leases=memory.Leases())
    async with keeping_leases(restarted):
        pass
    await lend(installation, other)
