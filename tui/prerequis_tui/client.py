"""The only door to the collector: gRPC with mutual TLS."""

import os
from collections.abc import Awaitable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

# gRPC's own log would mix with the one sentence on stderr and draw over the terminal UI; it reads this when imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from google.protobuf.message import Message

from prerequis.trailers import is_told
from prerequis.v1 import (
    line_review_pb2,
    line_review_pb2_grpc,
    ordering_pb2,
    ordering_pb2_grpc,
    register_pb2,
    review_pb2,
    review_pb2_grpc,
    rule_review_pb2,
    rule_review_pb2_grpc,
    services_review_pb2,
    services_review_pb2_grpc,
    waiver_pb2,
    waiver_pb2_grpc,
)
from prerequis_tui.credential import Credential
from prerequis_tui.errors import (
    CollectorFailed,
    CollectorOutdated,
    CollectorUnreachable,
    OperatorError,
    Refused,
    WrongInput,
)

_SECONDS = 10.0
_SECONDS_FOR_A_LIST = 60.0
_CHANNEL = (
    # 40,000 sites weigh about 5 MB, above the 4 MB that gRPC accepts by default.
    ("grpc.max_receive_message_length", 128 * 1024 * 1024),
    # A person who presses `r` once the collector is back must not wait for gRPC's backoff, which grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

_WRONG_INPUT = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.OUT_OF_RANGE}
_UNREACHABLE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
_FAILED = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
# So gRPC tells of a handshake that the other end broke off.
_HUNG_UP = ("Socket closed", "Connection reset")

Answer = TypeVar("Answer", bound=Message)


class Client:
    """The collector's answers to one operator; every method raises the errors of prerequis_tui.errors."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> Self:
        try:
            keys = grpc.ssl_channel_credentials(
                self.credential.authority.encode(), self.credential.key.encode(), self.credential.certificate.encode()
            )
            self._channel = grpc.aio.secure_channel(self.credential.collector, keys, options=_CHANNEL)
        except ValueError as error:
            raise WrongInput("le fichier d'accès contient une clé ou un certificat illisible.") from error
        self._review = review_pb2_grpc.ReviewServiceStub(self._channel)
        self._lines = line_review_pb2_grpc.LineReviewServiceStub(self._channel)
        self._rules = rule_review_pb2_grpc.RuleReviewServiceStub(self._channel)
        self._services = services_review_pb2_grpc.ServicesReviewServiceStub(self._channel)
        self._ordering = ordering_pb2_grpc.OrderingServiceStub(self._channel)
        self._waivers = waiver_pb2_grpc.WaiverServiceStub(self._channel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._channel is not None:
            await self._channel.close()

    async def sites(self) -> review_pb2.ListSitesResponse:
        """Return every site that the operator may see, in the collector's order, and how many are being judged."""
        return await self._answer(self._review.ListSites(review_pb2.ListSitesRequest(), timeout=_SECONDS_FOR_A_LIST))

    async def being_judged(self) -> int:
        """Return how many of the operator's sites are being judged."""
        return (
            await self._answer(self._review.GetJudging(review_pb2.GetJudgingRequest(), timeout=_SECONDS))
        ).being_judged

    async def site(self, finess: str) -> review_pb2.GetSiteResponse:
        """Return one site as it is judged now."""
        return await self._answer(self._review.GetSite(review_pb2.GetSiteRequest(finess=finess), timeout=_SECONDS))

    async def pack(self) -> review_pb2.GetPackResponse:
        """Return the rules and questions in force."""
        return await self._answer(self._review.GetPack(review_pb2.GetPackRequest(), timeout=_SECONDS))

    async def line(self, finess: str, days: int = 0) -> line_review_pb2.GetLineResponse:
        """Return what a site's line carries, and its measurements of so many days, 0 for those judged."""
        request = line_review_pb2.GetLineRequest(finess=finess, days=days)
        return await self._answer(self._lines.GetLine(request, timeout=_SECONDS))

    async def lines(self) -> list[line_review_pb2.LineSummary]:
        """Return what the line of every site carries, in the collector's order."""
        request = line_review_pb2.ListLinesRequest()
        return list((await self._answer(self._lines.ListLines(request, timeout=_SECONDS_FOR_A_LIST))).lines)

    async def services(self, finess: str) -> services_review_pb2.GetServicesResponse:
        """Return what was last found of the services that a site needs."""
        request = services_review_pb2.GetServicesRequest(finess=finess)
        return await self._answer(self._services.GetServices(request, timeout=_SECONDS))

    async def rules(self) -> list[rule_review_pb2.RuleLine]:
        """Return every rule in force, in one line each."""
        request = rule_review_pb2.ListRulesRequest()
        return list((await self._answer(self._rules.ListRules(request, timeout=_SECONDS))).rules)

    async def rule(self, rule: str, finess: str = "") -> rule_review_pb2.ExplainRuleResponse:
        """Return one rule in full, with the parameters of a site, or of the default profile for an empty number."""
        request = rule_review_pb2.ExplainRuleRequest(rule=rule, finess=finess)
        return await self._answer(self._rules.ExplainRule(request, timeout=_SECONDS))

    async def save_answer(self, finess: str, question: str, choice: str, comment: str = "") -> register_pb2.Answer:
        """Keep what a person answers to a question of a site; return it as kept."""
        request = review_pb2.SaveAnswerRequest(finess=finess, question=question, choice=choice, comment=comment)
        return (await self._answer(self._review.SaveAnswer(request, timeout=_SECONDS))).answer

    async def propose_waiver(
        self, finess: str, rule: str, workstation_id: str, reason: str, expires: datetime
    ) -> waiver_pb2.Waiver:
        """Propose that a deviation be accepted until then; return the proposal as kept."""
        request = waiver_pb2.ProposeWaiverRequest(
            finess=finess, rule=rule, workstation_id=workstation_id, reason=reason
        )
        request.expires.FromDatetime(expires)
        return (await self._answer(self._waivers.ProposeWaiver(request, timeout=_SECONDS))).waiver

    async def approve_waiver(self, finess: str, waiver_id: str) -> waiver_pb2.Waiver:
        """Approve the proposal of another person; return the waiver in force."""
        request = waiver_pb2.ApproveWaiverRequest(finess=finess, id=waiver_id)
        return (await self._answer(self._waivers.ApproveWaiver(request, timeout=_SECONDS))).waiver

    async def end_waiver(self, finess: str, waiver_id: str) -> waiver_pb2.Waiver:
        """End a waiver, or withdraw its proposal; return it as it stands."""
        request = waiver_pb2.EndWaiverRequest(finess=finess, id=waiver_id)
        return (await self._answer(self._waivers.EndWaiver(request, timeout=_SECONDS))).waiver

    async def waivers(self, finess: str = "") -> list[waiver_pb2.Waiver]:
        """Return the waivers of one site or of all, the newest first."""
        request = waiver_pb2.ListWaiversRequest(finess=finess)
        return list((await self._answer(self._waivers.ListWaivers(request, timeout=_SECONDS_FOR_A_LIST))).waivers)

    async def set_parameter(self, finess: str, name: str, value: str, reason: str) -> review_pb2.SiteParameter:
        """Settle a parameter of a site, or leave it to the profile again for an empty value; return it as it stands."""
        request = review_pb2.SetParameterRequest(finess=finess, name=name, value=value, reason=reason)
        return (await self._answer(self._review.SetParameter(request, timeout=_SECONDS))).parameter

    async def needs(self, finess: str = "") -> ordering_pb2.ListNeedsResponse:
        """Return what to buy, for one site or for all, and the sites of which nothing is known."""
        request = ordering_pb2.ListNeedsRequest(finess=finess)
        return await self._answer(self._ordering.ListNeeds(request, timeout=_SECONDS_FOR_A_LIST))

    async def record_order(
        self, finess: str, item: str, quantity: int, reference: str
    ) -> ordering_pb2.RecordOrderResponse:
        """Keep that an article was ordered for a site; return the need as it stands after it."""
        request = ordering_pb2.RecordOrderRequest(finess=finess, item=item, quantity=quantity, reference=reference)
        return await self._answer(self._ordering.RecordOrder(request, timeout=_SECONDS))

    async def _answer(self, call: Awaitable[Answer]) -> Answer:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise self._translate(error) from error

    def _translate(self, error: grpc.aio.AioRpcError) -> OperatorError:
        code, said = error.code(), (error.details() or "").strip()
        where = self.credential.collector
        if is_told(error.trailing_metadata()):
            return CollectorFailed(said)
        if code in _UNREACHABLE and "CERTIFICATE_VERIFY_FAILED" in said:
            return CollectorUnreachable(
                f"{where} ne présente pas le certificat du collecteur attendu : vérifier l'adresse ; si le collecteur "
                "a changé d'autorité, demander un nouvel accès à l'administrateur (prerequis-collector operator renew)."
            )
        expires = self.credential.expires
        if code in _UNREACHABLE and expires is not None and expires < datetime.now(UTC):
            return Refused(
                f"l'accès « {self.credential.name} » a expiré le {expires.astimezone():%d/%m/%Y} : "
                "en demander un nouveau à l'administrateur (prerequis-collector operator renew)."
            )
        if code in _UNREACHABLE and "failed to connect" in said and any(sign in said for sign in _HUNG_UP):
            return CollectorUnreachable(
                f"le collecteur {where} raccroche : cet accès est peut-être expiré, ou celui d'un autre collecteur."
            )
        if code in _UNREACHABLE:
            return CollectorUnreachable(f"le collecteur {where} ne répond pas.")
        if code in _FAILED:
            return CollectorFailed(f"le collecteur {where} a rencontré une erreur ; son journal en dit la cause.")
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return CollectorOutdated(
                f"le collecteur {where} est plus ancien que ce programme et ne connaît pas cette demande : "
                "demander à l'administrateur de le mettre à jour."
            )
        if code in _WRONG_INPUT:
            return WrongInput(said or "le collecteur ne connaît pas cette demande.")
        return Refused(said or "le collecteur refuse cette demande.")
