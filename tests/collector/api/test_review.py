"""What operators read, and that it follows what agents and people say."""

import grpc
import pytest
from tests.collector.conftest import SITE, Identity, Installation, refusal, report_of

from prerequis.v1.judgement_pb2 import INSUFFICIENT_DATA, NOT_READY, Judgement
from prerequis.v1.measurement_pb2 import GetPlanRequest
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis.v1.ordering_pb2 import ListNeedsRequest, NeedLine, RecordOrderRequest
from prerequis.v1.ordering_pb2_grpc import OrderingServiceStub
from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import GetPackRequest, GetSiteRequest, ListSitesRequest, SaveAnswerRequest
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis_collector.api.measurement import egress

READER_RULE = "reader-on-care-workstation"
READER = "smartcard-reader"


async def _hand_in(installation: Installation, agent: Identity, readers: int) -> None:
    async with installation.channel(agent) as channel:
        await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report_of(readers=readers))))


async def _reader(installation: Installation, operator: Identity) -> tuple[NeedLine | None, list[str]]:
    async with installation.channel(operator) as channel:
        needs = await OrderingServiceStub(channel).ListNeeds(ListNeedsRequest(finess=SITE))
    lines = [line for line in needs.lines if line.item == READER]
    return lines[0] if lines else None, list(needs.sites_not_measured)


async def test_a_site_that_nobody_has_seen_is_not_measured_and_orders_nothing_for_certain(
    installation: Installation,
) -> None:
    operator = installation.operator("dsi")
    async with installation.channel(operator) as channel:
        (line,) = (await ReviewServiceStub(channel).ListSites(ListSitesRequest())).sites
        needs = await OrderingServiceStub(channel).ListNeeds(ListNeedsRequest())
    assert (line.readiness, line.workstations, line.HasField("last_seen")) == (INSUFFICIENT_DATA, 0, False)
    assert list(needs.sites_not_measured) == [SITE]
    assert {need.certain for need in needs.lines} <= {0}


async def test_a_site_that_its_register_alone_keeps_from_being_ready_says_on_what_that_rests(
    installation: Installation,
) -> None:
    assert installation.run("site", "add", SITE, "--name", "EHPAD", "--professionals", "24", "--workstations", "2") == 0
    async with installation.channel(installation.operator("dsi")) as channel:
        site = await ReviewServiceStub(channel).GetSite(GetSiteRequest(finess=SITE))
        (line,) = (await ReviewServiceStub(channel).ListSites(ListSitesRequest())).sites
    assert (line.readiness, line.workstations) == (NOT_READY, 0)
    dui = next(framework for framework in site.frameworks if framework.id == "dui")
    failed = [one for one in dui.verdicts if one.verdict == Judgement.FAIL]
    assert [one.rule for one in failed] == ["enough-devices"]
    assert "aucun poste du site n'a rendu compte" in failed[0].reasons[0]


async def test_a_care_workstation_without_a_reader_fails_and_one_is_to_order(
    installation: Installation, agent: Identity
) -> None:
    operator = installation.operator("dsi")
    await _hand_in(installation, agent, readers=0)
    async with installation.channel(operator) as channel:
        site = await ReviewServiceStub(channel).GetSite(GetSiteRequest(finess=SITE))
        (line,) = (await ReviewServiceStub(channel).ListSites(ListSitesRequest())).sites
    dui = next(framework for framework in site.frameworks if framework.id == "dui")
    verdict = next(one for one in dui.verdicts if one.rule == READER_RULE)
    assert verdict.verdict == Judgement.FAIL
    assert (verdict.subject, verdict.subject_name) == (agent.agent_id, "PC-SOIN-1")
    assert verdict.observed
    assert verdict.remedy
    assert verdict.collected_at.seconds <= verdict.received_at.seconds <= verdict.judged_at.seconds
    assert site.pack_digest == installation.collector.pack.digest
    assert [machine.id for machine in site.workstations] == [agent.agent_id]
    assert (line.readiness, line.workstations) == (NOT_READY, 1)
    assert line.blocking >= 1
    need, unmeasured = await _reader(installation, operator)
    assert need is not None
    assert (need.certain, need.to_order, unmeasured) == (1, 1, [])


async def test_the_newest_report_changes_what_was_shown(installation: Installation, agent: Identity) -> None:
    operator = installation.operator("dsi")
    await _hand_in(installation, agent, readers=0)
    before, _ = await _reader(installation, operator)
    await _hand_in(installation, agent, readers=1)
    after, _ = await _reader(installation, operator)
    assert before is not None
    assert before.certain == 1
    assert after is None or after.certain == 0


async def test_what_is_ordered_is_not_ordered_twice(installation: Installation, agent: Identity) -> None:
    operator = installation.operator("ordering")
    await _hand_in(installation, agent, readers=0)
    async with installation.channel(operator) as channel:
        order = RecordOrderRequest(finess=SITE, item=READER, quantity=3, reference="BC-2026-11")
        line = (await OrderingServiceStub(channel).RecordOrder(order)).line
    assert (line.certain, line.ordered, line.to_order) == (1, 3, 0)
    kept, _ = await _reader(installation, operator)
    assert kept == line


async def test_an_answer_is_kept_in_the_name_of_who_gave_it_and_the_last_one_counts(
    installation: Installation,
) -> None:
    question = next(iter(installation.collector.pack.questions.values()))
    async with installation.channel(installation.operator("technician", "marche-1")) as channel:
        stub = ReviewServiceStub(channel)
        for choice in question.choices[:2]:
            await stub.SaveAnswer(SaveAnswerRequest(finess=SITE, question=question.id, choice=choice))
        site = await stub.GetSite(GetSiteRequest(finess=SITE))
    assert [(one.question, one.choice, one.author) for one in site.answers] == [
        (question.id, question.choices[1], "marche-1")
    ]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (SaveAnswerRequest(finess="000000000", question="q", choice="c"), grpc.StatusCode.NOT_FOUND),
        (SaveAnswerRequest(finess=SITE, question="nothing", choice="c"), grpc.StatusCode.NOT_FOUND),
        (GetSiteRequest(finess="000000000"), grpc.StatusCode.NOT_FOUND),
        (RecordOrderRequest(finess=SITE, item="nothing", quantity=1, reference="r"), grpc.StatusCode.NOT_FOUND),
        (RecordOrderRequest(finess=SITE, item=READER, quantity=0, reference="r"), grpc.StatusCode.INVALID_ARGUMENT),
        (RecordOrderRequest(finess=SITE, item=READER, quantity=1), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_wrong_input_is_refused_with_a_sentence(
    installation: Installation,
    request_: SaveAnswerRequest | GetSiteRequest | RecordOrderRequest,
    code: grpc.StatusCode,
) -> None:
    async with installation.channel(installation.operator("admin")) as channel:
        review, ordering = ReviewServiceStub(channel), OrderingServiceStub(channel)
        if isinstance(request_, SaveAnswerRequest):
            given, sentence = await refusal(review.SaveAnswer(request_))
        elif isinstance(request_, GetSiteRequest):
            given, sentence = await refusal(review.GetSite(request_))
        else:
            given, sentence = await refusal(ordering.RecordOrder(request_))
    assert given is code
    assert sentence.endswith(".")


async def test_the_pack_is_shown_whole(installation: Installation) -> None:
    async with installation.channel(installation.operator("dsi")) as channel:
        shown = await ReviewServiceStub(channel).GetPack(GetPackRequest())
    pack = installation.collector.pack
    assert shown.digest == pack.digest
    assert [rule.id for rule in shown.rules] == list(pack.rules)
    assert [question.id for question in shown.questions] == list(pack.questions)


async def test_the_plan_names_the_collector_as_agents_reach_it(installation: Installation, agent: Identity) -> None:
    assert installation.run("site", "add", SITE, "--name", "Les Tilleuls", "--simultaneous-users", "4") == 0
    async with installation.channel(agent) as channel:
        plan = await MeasurementServiceStub(channel).GetPlan(GetPlanRequest())
    where = installation.collector.reached_at.listen
    assert (where.host, where.port) in [(target.host, target.port) for target in plan.targets]
    assert all(target.host for target in plan.targets)
    rate = installation.collector.pack.default_profile.bits_per_second_per_user
    assert plan.demand_bits_per_second == 4 * rate


async def test_the_plan_tells_how_far_the_site_is(installation: Installation, agent: Identity) -> None:
    async with installation.channel(agent) as channel:
        before = await MeasurementServiceStub(channel).GetPlan(GetPlanRequest())
        await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report_of())))
        after = await MeasurementServiceStub(channel).GetPlan(GetPlanRequest())
    assert (before.progress.workstations, before.progress.workstations_seen) == (2, 0)
    assert after.progress.workstations_seen == 1
    assert after.progress.questions == len(installation.collector.pack.questions)
    assert after.progress.questions_answered == 0


@pytest.mark.parametrize(
    ("peer", "address"),
    [("ipv4:192.0.2.1:4242", "192.0.2.1"), ("ipv6:%5B2001:db8::1%5D:4242", "2001:db8::1")],
)
def test_the_egress_address_is_read_from_the_peer(peer: str, address: str) -> None:
    assert egress(peer) == address
