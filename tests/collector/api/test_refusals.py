"""Nobody in who does not belong: every way of being nobody, against every kind of call, over real mutual TLS."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from grpc import aio
from tests.collector.api.requests import request_of
from tests.collector.conftest import SITE, Identity, Installation, csr_of, refusal, report_of

from prerequis.v1.enrolment_pb2 import EnrolRequest, RenewRequest
from prerequis.v1.measurement_pb2 import AcquireLeaseRequest, GetPlanRequest
from prerequis.v1.ordering_pb2 import ListNeedsRequest, RecordOrderRequest
from prerequis.v1.report_pb2 import Receipt, SubmitRequest, SubmitResponse
from prerequis.v1.review_pb2 import GetSiteRequest, ListSitesRequest, ListSitesResponse, SaveAnswerRequest
from prerequis_collector.api.access import CHECKED_IN_WRITING, ROLES
from prerequis_collector.services.authority import Authority, new_key
from prerequis_collector.services.identify import Role

OURS, OTHERS = "330000100", "330000209"
"""Entités juridiques: ours runs SITE, the others THEIRS."""
THEIRS = "330000027"

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
"""How a client sees a handshake that the collector ends."""
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
DENIED = grpc.StatusCode.PERMISSION_DENIED
NOT_FOUND = grpc.StatusCode.NOT_FOUND
OK = grpc.StatusCode.OK


def _of(key: Identity, authority: Authority, at: datetime) -> Identity:
    """Return the same key and name, certified by this authority at this moment."""
    leaf = authority.issue_agent(key.key.public_key(), key.agent_id, at)
    return Identity(key.key, (leaf.public_bytes(serialization.Encoding.DER),), key.agent_id)


def _revoked(installation: Installation, kind: str, name: str, identity: Identity) -> Identity:
    assert installation.run(kind, "revoke", name) == 0
    return identity


WHO: Mapping[str, Callable[[Installation, Identity], Identity | None]] = {
    "no certificate": lambda collector, agent: None,
    "another authority's": lambda collector, agent: _of(agent, Authority.create(datetime.now(UTC)), datetime.now(UTC)),
    "expired": lambda collector, agent: _of(
        agent, collector.collector.authority, datetime.now(UTC) - timedelta(days=91)
    ),
    "revoked agent": lambda collector, agent: _revoked(collector, "agent", agent.agent_id, agent),
    "revoked operator": lambda collector, agent: _revoked(
        collector, "operator", "gone", collector.operator("dsi", "gone")
    ),
    "agent": lambda collector, agent: agent,
    "technician": lambda collector, agent: collector.operator("technician"),
    "ordering": lambda collector, agent: collector.operator("ordering"),
    "dsi": lambda collector, agent: collector.operator("dsi"),
    "ours": lambda collector, agent: collector.operator("dsi", "ours", "--organisation", OURS),
    "another organisation's": lambda collector, agent: collector.operator("admin", "other", "--organisation", OTHERS),
}

AS: Mapping[str, Role] = {
    "agent": Role.AGENT,
    "technician": Role.TECHNICIAN,
    "ordering": Role.ORDERING,
    "dsi": Role.DSI,
    "ours": Role.DSI,
    "another organisation's": Role.ADMIN,
}
"""As what those who are somebody call."""

CLOSED = (UNAVAILABLE, UNAUTHENTICATED, DENIED)
"""How a call ends that is not its caller's, whatever it asks."""

V1 = "/prerequis.v1."

Call = tuple[str, Message]
Ask = aio.UnaryUnaryMultiCallable[bytes, bytes]


def _calls(installation: Installation, agent: Identity) -> Mapping[str, Call]:
    """Return one call of each kind, all that it asks good but for who asks."""
    pack = installation.collector.pack
    question, csr = next(iter(pack.questions.values())), csr_of(new_key())
    answer = SaveAnswerRequest(finess=SITE, question=question.id, choice=question.choices[0])
    order = RecordOrderRequest(finess=SITE, item=next(iter(pack.catalogue)), quantity=1, reference="BC-1")
    return {
        "read": (f"{V1}ReviewService/GetSite", GetSiteRequest(finess=SITE)),
        "list": (f"{V1}ReviewService/ListSites", ListSitesRequest()),
        "answer": (f"{V1}ReviewService/SaveAnswer", answer),
        "order": (f"{V1}OrderingService/RecordOrder", order),
        "needs": (f"{V1}OrderingService/ListNeeds", ListNeedsRequest(finess=SITE)),
        "submit": (f"{V1}ReportService/Submit", SubmitRequest(report=agent.sign(report_of()))),
        "plan": (f"{V1}MeasurementService/GetPlan", GetPlanRequest()),
        "lease": (f"{V1}MeasurementService/AcquireLease", AcquireLeaseRequest()),
        "renew": (f"{V1}EnrolmentService/Renew", RenewRequest(csr=csr)),
        "enrol": (f"{V1}EnrolmentService/Enrol", EnrolRequest(ticket=installation.ticket(name="good"), csr=csr)),
    }


_OF_AGENTS = ("submit", "plan", "lease", "renew")
_OF_OPERATORS = ("read", "list", "answer", "order", "needs")
_ALL = (*_OF_AGENTS, *_OF_OPERATORS)

# Who is not here for a call is let through. Enrol asks for a ticket, not for who one is, once TLS is passed.
REFUSED: Mapping[str, Mapping[str, grpc.StatusCode]] = {
    "no certificate": dict.fromkeys((*_ALL, "enrol"), UNAVAILABLE),
    "another authority's": dict.fromkeys((*_ALL, "enrol"), UNAVAILABLE),
    "expired": dict.fromkeys((*_ALL, "enrol"), UNAVAILABLE),
    "revoked agent": dict.fromkeys(_ALL, UNAUTHENTICATED),
    "revoked operator": dict.fromkeys(_ALL, UNAUTHENTICATED),
    "agent": dict.fromkeys(_OF_OPERATORS, DENIED),
    "technician": dict.fromkeys((*_OF_AGENTS, "order"), DENIED),
    "ordering": dict.fromkeys((*_OF_AGENTS, "answer"), DENIED),
    "dsi": dict.fromkeys(_OF_AGENTS, DENIED),
    "ours": dict.fromkeys(_OF_AGENTS, DENIED),
    # The list is empty instead: there is nothing of theirs in it.
    "another organisation's": {
        **dict.fromkeys(_OF_AGENTS, DENIED),
        **dict.fromkeys(("read", "answer", "order", "needs"), NOT_FOUND),
    },
}


async def _code(channel: aio.Channel, call: Call) -> grpc.StatusCode:
    method, request = call
    ask: Ask = channel.unary_unary(method)
    try:
        await ask(request.SerializeToString(), timeout=60)
    except aio.AioRpcError as refused:
        return refused.code()
    return OK


@pytest.fixture
def register(installation: Installation) -> None:
    for finess, organisation in ((SITE, OURS), (THEIRS, OTHERS)):
        arguments = ("site", "add", finess, "--name", f"Site {finess}", "--organisation", organisation)
        assert installation.run(*arguments) == 0


@pytest.mark.parametrize("who", WHO)
async def test_each_is_let_through_to_its_own_and_refused_all_else(
    installation: Installation, register: None, agent: Identity, who: str
) -> None:
    calls, identity = _calls(installation, agent), WHO[who](installation, agent)
    async with installation.channel(identity) as channel:
        found = {name: await _code(channel, call) for name, call in calls.items()}
        # Whether who brings a report is admitted is asked of reports that are good in themselves.
        said = {method: calls["submit"][1] if method in CHECKED_IN_WRITING else request_of(method) for method in ROLES}
        every = {method: await _code(channel, (method, request)) for method, request in said.items()}
    assert found == {name: REFUSED[who].get(name, OK) for name in calls}
    # A method added later is held to this too, without a line here.
    allowed = {method for method, roles in ROLES.items() if AS.get(who) in roles}
    assert {method for method, code in every.items() if code not in CLOSED} == allowed
    assert {every[method] for method in ROLES.keys() - allowed} <= set(REFUSED[who].values())


async def test_the_port_for_enrolling_knows_nobody_and_looks_at_the_ticket_only(
    installation: Installation, register: None, agent: Identity
) -> None:
    calls, secret = _calls(installation, agent), installation.ticket("--uses", "1", name="spent")
    await installation.enrol(secret)
    async with installation.channel(agent, where=installation.collector.reached_at.enrolment) as channel:
        found = {name: await _code(channel, call) for name, call in calls.items()}
        for ticket in (secret, "", "x" * 43):
            request = EnrolRequest(ticket=ticket, csr=csr_of(new_key()))
            assert await _code(channel, (f"{V1}EnrolmentService/Enrol", request)) is DENIED
    assert found == {**dict.fromkeys(_ALL, UNAUTHENTICATED), "enrol": OK}


async def test_a_report_that_another_brings_counts_for_its_signer_or_for_nobody(
    installation: Installation, agent: Identity
) -> None:
    forged = _of(agent, Authority.create(datetime.now(UTC)), datetime.now(UTC))
    gone = await installation.enrol(installation.ticket(name="second"))
    assert installation.run("agent", "revoke", gone.agent_id) == 0
    states: list[Receipt.State.ValueType] = []
    async with installation.channel(agent) as channel:
        ask = channel.unary_unary(
            "/prerequis.v1.ReportService/Submit", SubmitRequest.SerializeToString, SubmitResponse.FromString
        )
        for signer in (agent, forged, gone):
            request = SubmitRequest(report=signer.sign(report_of(f"PC-{len(states)}")))
            states.append((await ask(request)).receipt.state)
    assert states == [Receipt.KEPT, Receipt.REFUSED, Receipt.REFUSED]


@pytest.mark.parametrize("method", [method for method, roles in ROLES.items() if Role.ADMIN in roles])
async def test_no_method_tells_an_operator_of_a_site_of_another_organisation(
    installation: Installation, register: None, method: str
) -> None:
    """A method added later is held to this too, without a line here."""
    async with installation.channel(installation.operator("admin", "ours", "--organisation", OURS)) as channel:
        ask: Ask = channel.unary_unary(method)
        request = request_of(method)
        if "finess" in request.DESCRIPTOR.fields_by_name:
            for finess in (THEIRS, "999999999"):
                about = ParseDict({"finess": finess}, request_of(method))
                code, said = await refusal(ask(about.SerializeToString(), timeout=60))
                whose = f"Aucun site de votre organisme ne porte le numéro FINESS « {finess} »."
                assert (code, said) == (NOT_FOUND, whose)
        try:
            answer = await ask(request.SerializeToString(), timeout=60)
        except aio.AioRpcError:
            return  # it wants to be told which site
        assert THEIRS.encode() not in answer


async def test_who_is_bounded_sees_what_is_his_and_who_is_not_sees_all(
    installation: Installation, register: None
) -> None:
    seen = {}
    for name, options in {"ours": ("--organisation", OURS), "all": ()}.items():
        async with installation.channel(installation.operator("dsi", name, *options)) as channel:
            ask = channel.unary_unary(
                "/prerequis.v1.ReviewService/ListSites",
                ListSitesRequest.SerializeToString,
                ListSitesResponse.FromString,
            )
            seen[name] = [site.finess for site in (await ask(ListSitesRequest())).sites]
    assert seen == {"ours": [SITE], "all": [SITE, THEIRS]}
