"""A site settles for itself what the sources leave open, under a name, with a reason, and the verdicts follow."""

import grpc
import pytest
from tests.collector.conftest import SITE, Installation, refusal

from prerequis.v1.review_pb2 import GetSiteRequest, SetParameterRequest, SiteParameter
from prerequis.v1.review_pb2_grpc import ReviewServiceStub


def _named(parameters: list[SiteParameter], name: str) -> SiteParameter:
    return next(one for one in parameters if one.name == name)


async def test_a_settled_value_is_shown_with_its_author_and_used_until_it_is_taken_back(
    installation: Installation,
) -> None:
    async with installation.channel(installation.operator("dsi")) as channel:
        stub = ReviewServiceStub(channel)

        async def expected() -> str:
            site = await stub.GetSite(GetSiteRequest(finess=SITE))
            return next(one.expected for one in site.frameworks[-1].verdicts if one.rule == "line-down")

        before = await expected()
        request = SetParameterRequest(finess=SITE, name="débit", value="3 Mbit/s", reason="Essai de l'éditeur")
        settled = (await stub.SetParameter(request)).parameter
        assert (settled.value, settled.profile_value) == ("3,0 Mbit/s (375 Ko/s)", "2,0 Mbit/s (250 Ko/s)")
        shown = _named(list((await stub.GetSite(GetSiteRequest(finess=SITE))).parameters), "débit")
        assert shown == settled
        assert (shown.author, shown.reason) == ("dsi", "Essai de l'éditeur")
        assert shown.HasField("settled_at")
        assert await expected() != before
        await stub.SetParameter(SetParameterRequest(finess=SITE, name="débit", reason="Fin de l'essai"))
        shown = _named(list((await stub.GetSite(GetSiteRequest(finess=SITE))).parameters), "débit")
        assert (shown.value, shown.author, shown.HasField("settled_at")) == (shown.profile_value, "", False)
        assert await expected() == before


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (SetParameterRequest(finess=SITE, name="débit", value="3", reason="essai"), grpc.StatusCode.INVALID_ARGUMENT),
        (SetParameterRequest(finess=SITE, name="débit", value="3 Mbit/s"), grpc.StatusCode.INVALID_ARGUMENT),
        (SetParameterRequest(finess=SITE, name="mémoire", value="3", reason="essai"), grpc.StatusCode.NOT_FOUND),
        (SetParameterRequest(finess="000000000", name="ratio", value="3", reason="essai"), grpc.StatusCode.NOT_FOUND),
    ],
)
async def test_what_cannot_be_settled_is_refused(
    installation: Installation, request_: SetParameterRequest, code: grpc.StatusCode
) -> None:
    async with installation.channel(installation.operator("dsi")) as channel:
        given, said = await refusal(ReviewServiceStub(channel).SetParameter(request_))
    assert given is code
    assert said


async def test_a_technician_settles_nothing(installation: Installation) -> None:
    request = SetParameterRequest(finess=SITE, name="ratio", value="4", reason="essai")
    async with installation.channel(installation.operator("technician")) as channel:
        given, _ = await refusal(ReviewServiceStub(channel).SetParameter(request))
    assert given is grpc.StatusCode.PERMISSION_DENIED
