"""Waivers over real mutual TLS: one proposes, another approves, and the verdict below stays."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from tests.collector.conftest import SITE, Identity, Installation, refusal, report_of

from prerequis.v1.judgement_pb2 import Judgement
from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import GetSiteRequest, ListSitesRequest
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis.v1.waiver_pb2 import (
    ApproveWaiverRequest,
    EndWaiverRequest,
    ListWaiversRequest,
    ProposeWaiverRequest,
    Waiver,
)
from prerequis.v1.waiver_pb2_grpc import WaiverServiceStub

RULE = "reader-on-care-workstation"
"""A machine without a reader fails it."""


def _proposal(**changes: str | int) -> ProposeWaiverRequest:
    days = int(changes.pop("days", 30))
    wanted = {"finess": SITE, "rule": RULE, "reason": "Lecteurs commandés, livrés en janvier.", **changes}
    request = ParseDict(wanted, ProposeWaiverRequest())
    request.expires.FromDatetime(datetime.now(UTC) + timedelta(days=days))
    return request


async def _verdicts(installation: Installation, identity: Identity, rule: str = RULE) -> dict[str, tuple[str, bool]]:
    """Return the verdict and whether it is waived, by subject, of one rule in the framework `dui`."""
    async with installation.channel(identity) as channel:
        site = await ReviewServiceStub(channel).GetSite(GetSiteRequest(finess=SITE))
    dui = next(one for one in site.frameworks if one.id == "dui")
    return {one.subject: (Judgement.Verdict.Name(one.verdict), one.waived) for one in dui.verdicts if one.rule == rule}


async def _report(installation: Installation, agent: Identity) -> None:
    async with installation.channel(agent) as channel:
        await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report_of())))


async def test_a_waiver_counts_from_its_approval_by_another_person_until_it_ends(
    installation: Installation, agent: Identity
) -> None:
    await _report(installation, agent)
    author, approver = installation.operator("technician"), installation.operator("dsi")
    subject = agent.agent_id
    assert await _verdicts(installation, approver) == {subject: ("FAIL", False)}
    async with installation.channel(author) as channel:
        proposed = (await WaiverServiceStub(channel).ProposeWaiver(_proposal())).waiver
    assert (proposed.state, proposed.author) == (Waiver.PROPOSED, "technician")
    assert await _verdicts(installation, approver) == {subject: ("FAIL", False)}
    async with installation.channel(approver) as channel:
        stub = WaiverServiceStub(channel)
        request = ApproveWaiverRequest(finess=SITE, id=proposed.id)
        approved = (await stub.ApproveWaiver(request)).waiver
        assert (approved.state, approved.approver) == (Waiver.IN_FORCE, "dsi")
        assert (await refusal(stub.ApproveWaiver(request)))[0] is grpc.StatusCode.ALREADY_EXISTS
        assert await _verdicts(installation, approver) == {subject: ("FAIL", True)}
        ended = (await stub.EndWaiver(EndWaiverRequest(finess=SITE, id=proposed.id))).waiver
        assert ended.state == Waiver.ENDED
        assert (await refusal(stub.ApproveWaiver(request)))[0] is grpc.StatusCode.INVALID_ARGUMENT
    assert await _verdicts(installation, approver) == {subject: ("FAIL", False)}


async def test_nobody_approves_what_he_proposed(installation: Installation) -> None:
    async with installation.channel(installation.operator("admin")) as channel:
        stub = WaiverServiceStub(channel)
        waiver = (await stub.ProposeWaiver(_proposal())).waiver
        code, said = await refusal(stub.ApproveWaiver(ApproveWaiverRequest(finess=SITE, id=waiver.id)))
    assert (code, said) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "Une dérogation est approuvée par une autre personne que celle qui la propose.",
    )


async def test_a_waiver_of_one_machine_says_nothing_of_the_others_and_expires_by_itself(
    installation: Installation, agent: Identity
) -> None:
    other = await installation.enrol(installation.ticket(name="second"))
    await _report(installation, agent)
    await _report(installation, other)
    author, approver = installation.operator("dsi", "one"), installation.operator("dsi", "two")
    async with installation.channel(author) as channel:
        request = _proposal(workstation_id=agent.agent_id)
        waiver = (await WaiverServiceStub(channel).ProposeWaiver(request)).waiver
    async with installation.channel(approver) as channel:
        await WaiverServiceStub(channel).ApproveWaiver(ApproveWaiverRequest(finess=SITE, id=waiver.id))
        assert await _verdicts(installation, author) == {
            agent.agent_id: ("FAIL", True), other.agent_id: ("FAIL", False),
        }  # fmt: skip
        now = datetime.now(UTC)
        installation.collector.now = lambda: now + timedelta(days=31)
        (listed,) = (await WaiverServiceStub(channel).ListWaivers(ListWaiversRequest())).waivers
    assert listed.state == Waiver.EXPIRED
    assert {waived for _, waived in (await _verdicts(installation, author)).values()} == {False}


async def test_a_waived_failure_no_longer_blocks_in_the_list_of_sites(
    installation: Installation, agent: Identity
) -> None:
    await _report(installation, agent)
    one, two = installation.operator("dsi", "one"), installation.operator("dsi", "two")
    blocking = []
    async with installation.channel(one) as first, installation.channel(two) as second:
        for _ in range(2):
            await ReviewServiceStub(first).GetSite(GetSiteRequest(finess=SITE))
            (line,) = (await ReviewServiceStub(first).ListSites(ListSitesRequest())).sites
            blocking.append(line.blocking)
            waiver = (await WaiverServiceStub(first).ProposeWaiver(_proposal())).waiver
            await WaiverServiceStub(second).ApproveWaiver(ApproveWaiverRequest(finess=SITE, id=waiver.id))
    assert blocking[1] == blocking[0] - 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rule": "no-such-rule"}, grpc.StatusCode.NOT_FOUND),
        ({"finess": "999999999"}, grpc.StatusCode.NOT_FOUND),
        ({"workstation_id": "nobody"}, grpc.StatusCode.NOT_FOUND),
        ({"reason": "  "}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"reason": "x" * 2001}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"days": -1}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"days": 400}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_proposal_that_cannot_be_is_refused_and_leaves_nothing(
    installation: Installation, changes: dict[str, str | int], code: grpc.StatusCode
) -> None:
    async with installation.channel(installation.operator("dsi")) as channel:
        stub = WaiverServiceStub(channel)
        assert (await refusal(stub.ProposeWaiver(_proposal(**changes))))[0] is code
        assert list((await stub.ListWaivers(ListWaiversRequest(finess=SITE))).waivers) == []


async def test_a_waiver_is_not_reached_through_another_site(installation: Installation) -> None:
    assert installation.run("site", "add", "330000027", "--name", "Le Verger") == 0
    author, approver = installation.operator("dsi", "one"), installation.operator("dsi", "two")
    async with installation.channel(author) as channel:
        waiver = (await WaiverServiceStub(channel).ProposeWaiver(_proposal())).waiver
    async with installation.channel(approver) as channel:
        stub = WaiverServiceStub(channel)
        for call in (
            stub.ApproveWaiver(ApproveWaiverRequest(finess="330000027", id=waiver.id)),
            stub.EndWaiver(EndWaiverRequest(finess="330000027", id=waiver.id)),
        ):
            assert (await refusal(call))[0] is grpc.StatusCode.NOT_FOUND
