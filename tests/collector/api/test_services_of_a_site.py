"""Who asks the services of a site, and what becomes of the answer: over real gRPC, from the plan to the scorecard."""

from datetime import timedelta

import grpc
import pytest
from tests.collector.conftest import SITE, Identity, Installation, refusal, report_of

from prerequis.v1.facts_pb2 import Endpoint
from prerequis.v1.judgement_pb2 import Judgement
from prerequis.v1.measurement_pb2 import GetPlanRequest, GetPlanResponse
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis.v1.report_pb2 import ConfirmRequest, Receipt, Report, SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import GetSiteRequest
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis.v1.services_pb2 import CRL
from prerequis.v1.services_review_pb2 import GetServicesRequest
from prerequis.v1.services_review_pb2_grpc import ServicesReviewServiceStub

PSC = "auth.esw.esante.gouv.fr"


@pytest.fixture
async def other(installation: Installation) -> Identity:
    return await installation.enrol(installation.ticket(name="other"))


@pytest.fixture
def reviewer(installation: Installation) -> Identity:
    return installation.operator("dsi")


async def plan(installation: Installation, agent: Identity, attended: bool = False) -> GetPlanResponse:
    async with installation.channel(agent) as channel:
        return await MeasurementServiceStub(channel).GetPlan(GetPlanRequest(attended=attended))


def seen(psc: bool, hours: int = 0) -> Report:
    report = report_of("PC-1" if psc else "PC-2")
    report.collected_at.FromDatetime(report.collected_at.ToDatetime() + timedelta(hours=hours))
    failure = Endpoint.NONE if psc else Endpoint.TIMED_OUT
    report.facts.services.endpoints.add(host=PSC, port=443, purpose="psc", reachable=psc, failure=failure)
    return report


async def submit(installation: Installation, agent: Identity, report: Report) -> Receipt:
    async with installation.channel(agent) as channel:
        return (await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report)))).receipt


async def reachable(installation: Installation, reviewer: Identity) -> tuple[str, str, str]:
    """Return subject, verdict and observation of the rule that looks at all services."""
    async with installation.channel(reviewer) as channel:
        site = await ReviewServiceStub(channel).GetSite(GetSiteRequest(finess=SITE))
    dui = next(framework for framework in site.frameworks if framework.id == "dui")
    (one,) = (verdict for verdict in dui.verdicts if verdict.rule == "services-reachable")
    return one.subject, Judgement.Verdict.Name(one.verdict), one.observed


async def test_one_machine_is_given_the_services_and_the_others_know_why_not(
    installation: Installation, agent: Identity, other: Identity
) -> None:
    first, second = await plan(installation, agent), await plan(installation, other)
    assert not first.another_elected
    targets = {target.host: target for target in first.targets}
    assert targets[PSC].purpose == "psc"
    revocation = targets["igc-sante.esante.gouv.fr"]
    assert (revocation.protocol, revocation.port, revocation.path) == (CRL, 80, "/CRL/ACR-EL.crl")
    assert second.another_elected
    assert not second.targets
    assert (await plan(installation, agent)).targets == first.targets


async def test_a_technician_is_given_the_services_whoever_is_elected(
    installation: Installation, agent: Identity, other: Identity
) -> None:
    await plan(installation, agent)
    attended = await plan(installation, other, attended=True)
    assert not attended.another_elected
    assert PSC in {target.host for target in attended.targets}


async def test_nobody_asks_again_until_the_next_day_and_then_another_may(
    installation: Installation, agent: Identity, other: Identity
) -> None:
    await plan(installation, agent)
    assert (await submit(installation, agent, seen(psc=True))).state == Receipt.KEPT
    assert (await plan(installation, agent)).another_elected
    assert (await plan(installation, other)).another_elected
    now = installation.collector.now() + timedelta(hours=21)
    installation.collector.now = lambda: now
    assert not (await plan(installation, other)).another_elected
    assert (await plan(installation, agent)).another_elected


async def test_a_closed_network_is_kept_away_from_the_national_services(
    installation: Installation, agent: Identity
) -> None:
    installation.collector.national_services = False
    assert [target.purpose for target in (await plan(installation, agent)).targets] == ["collector"]


async def test_machines_that_were_not_to_ask_do_not_spoil_the_verdict_of_their_site(
    installation: Installation, agent: Identity, other: Identity, reviewer: Identity
) -> None:
    assert (await reachable(installation, reviewer))[1] == "UNKNOWN"
    await submit(installation, other, report_of("PC-3"))
    report = seen(psc=True)
    report.facts.services.endpoints.add(host="dui.test", port=443, purpose="dui", reachable=True, failure=Endpoint.NONE)
    await submit(installation, agent, report)
    subject, verdict, observed = await reachable(installation, reviewer)
    assert (subject, verdict) == (SITE, "PASS")
    assert observed.startswith("tous joints le ")
    # The machine that asked yesterday reports today without having been elected: what it found still stands.
    await submit(installation, agent, report_of("PC-1"))
    assert (await reachable(installation, reviewer))[1] == "PASS"


async def test_where_no_host_of_the_dui_is_known_the_other_services_prove_nothing_of_it(
    installation: Installation, agent: Identity, reviewer: Identity
) -> None:
    await submit(installation, agent, seen(psc=True))
    _, verdict, observed = await reachable(installation, reviewer)
    assert verdict == "UNKNOWN"
    assert observed.startswith("aucun hôte du DUI interrogé ; les autres joints le ")


async def test_a_failure_is_told_with_its_day_and_a_confirmation_keeps_it_fresh(
    installation: Installation, agent: Identity, reviewer: Identity
) -> None:
    report = seen(psc=False, hours=-30)
    receipt = await submit(installation, agent, report)
    day = report.collected_at.ToDatetime()
    _, verdict, observed = await reachable(installation, reviewer)
    assert verdict == "FAIL"
    assert observed.startswith(f"{PSC}:443 (Pro Santé Connect, authentification) : pas de réponse")
    assert observed.endswith(f"depuis le {day:%d/%m/%Y}")
    assert not (await plan(installation, agent)).another_elected
    confirm = ConfirmRequest(digest=receipt.digest)
    confirm.collected_at.GetCurrentTime()
    async with installation.channel(agent) as channel:
        await ReportServiceStub(channel).Confirm(confirm)
    assert (await plan(installation, agent)).another_elected
    assert (await reachable(installation, reviewer))[2] == observed


async def test_the_services_of_a_site_are_shown_with_what_each_is_for_and_since_when_it_fails(
    installation: Installation, agent: Identity, reviewer: Identity
) -> None:
    async with installation.channel(reviewer) as channel:
        stub = ServicesReviewServiceStub(channel)
        never = await stub.GetServices(GetServicesRequest(finess=SITE))
        assert (never.name, never.HasField("services")) == ("Les Tilleuls", False)
        await submit(installation, agent, seen(psc=False))
        (one,) = (await stub.GetServices(GetServicesRequest(finess=SITE))).services.asked
        assert (one.endpoint.host, one.essential, one.national, one.HasField("since")) == (PSC, True, True, True)
        assert "Pro Santé Connect" in one.trouble
        code, _ = await refusal(stub.GetServices(GetServicesRequest(finess="330000027")))
        assert code is grpc.StatusCode.NOT_FOUND
