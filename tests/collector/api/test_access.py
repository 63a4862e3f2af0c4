"""Who may call what."""

import pkgutil
import tomllib
from collections.abc import Iterator
from importlib import import_module

import grpc
import pytest
from google.protobuf.descriptor import FileDescriptor
from tests.collector.conftest import SITE, Identity, Installation, identity_of, refusal

import prerequis.v1
from prerequis.v1.ordering_pb2 import ListNeedsRequest, RecordOrderRequest
from prerequis.v1.ordering_pb2_grpc import OrderingServiceStub
from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import ListSitesRequest, SaveAnswerRequest
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis_collector.api.access import HEALTH, OPEN, ROLES
from prerequis_collector.api.errors import STATUS
from prerequis_collector.errors import CollectorError
from prerequis_collector.store.operators import Operators


def _methods(file: FileDescriptor) -> Iterator[str]:
    for service in file.services_by_name.values():
        for method in service.methods:
            yield f"/{service.full_name}/{method.name}"


def test_every_method_has_its_line_in_the_table() -> None:
    names = [one.name for one in pkgutil.iter_modules(prerequis.v1.__path__) if one.name.endswith("_pb2")]
    files = [import_module(f"prerequis.v1.{name}").DESCRIPTOR for name in names]
    assert {method for file in files for method in _methods(file)} == OPEN - {HEALTH} | ROLES.keys()


def test_every_domain_error_has_its_status() -> None:
    assert set(CollectorError.__subclasses__()) == STATUS.keys()


async def test_an_agent_reviews_nothing_and_an_operator_submits_nothing(
    installation: Installation, agent: Identity
) -> None:
    async with installation.channel(agent) as channel:
        code, _ = await refusal(ReviewServiceStub(channel).ListSites(ListSitesRequest()))
        assert code is grpc.StatusCode.PERMISSION_DENIED
    async with installation.channel(installation.operator("admin")) as channel:
        code, _ = await refusal(ReportServiceStub(channel).Submit(SubmitRequest()))
        assert code is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("role", "orders", "answers"),
    [("technician", False, True), ("dsi", True, True), ("ordering", True, False), ("admin", True, True)],
)
async def test_each_role_does_its_own(installation: Installation, role: str, orders: bool, answers: bool) -> None:
    item = next(iter(installation.collector.pack.catalogue))
    question = next(iter(installation.collector.pack.questions.values()))
    order = RecordOrderRequest(finess=SITE, item=item, quantity=1, reference="BC-1")
    answer = SaveAnswerRequest(finess=SITE, question=question.id, choice=question.choices[0])
    async with installation.channel(installation.operator(role)) as channel:
        await OrderingServiceStub(channel).ListNeeds(ListNeedsRequest())
        for call, allowed in (
            (OrderingServiceStub(channel).RecordOrder(order), orders),
            (ReviewServiceStub(channel).SaveAnswer(answer), answers),
        ):
            if allowed:
                await call
            else:
                assert (await refusal(call))[0] is grpc.StatusCode.PERMISSION_DENIED


async def test_a_renewed_access_takes_the_place_of_the_old_one(installation: Installation) -> None:
    old, path = installation.operator("dsi"), installation.data / "new.toml"
    assert installation.run("operator", "renew", "nobody", "--out", str(path)) == 2
    assert installation.run("operator", "renew", "dsi", "--out", str(path)) == 0
    assert tomllib.loads(path.read_text())["role"] == "dsi"
    async with installation.channel(old) as channel:
        code, _ = await refusal(ReviewServiceStub(channel).ListSites(ListSitesRequest()))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    async with installation.channel(identity_of(path)) as channel:
        assert (await ReviewServiceStub(channel).ListSites(ListSitesRequest())).sites


async def test_a_revoked_operator_is_refused_from_the_next_call_on(installation: Installation) -> None:
    async with installation.channel(installation.operator("dsi")) as channel:
        stub = ReviewServiceStub(channel)
        await stub.ListSites(ListSitesRequest())
        with installation.collector.database.write() as transaction:
            Operators(transaction).revoke("dsi")
        assert (await refusal(stub.ListSites(ListSitesRequest())))[0] is grpc.StatusCode.UNAUTHENTICATED


async def test_a_fault_of_ours_says_nothing_of_itself(installation: Installation) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    installation.collector.now = broken  # type: ignore[assignment]
    async with installation.channel(installation.operator("dsi")) as channel:
        code, sentence = await refusal(ReviewServiceStub(channel).ListSites(ListSitesRequest()))
    assert (code, sentence) == (grpc.StatusCode.INTERNAL, "Erreur interne.")
