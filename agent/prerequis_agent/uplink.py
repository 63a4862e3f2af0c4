"""The agent's side of gRPC; every failure leaves here as CollectorUnreachable or Refused with one French sentence.

Imported only once there is a collector to speak to: gRPC is the heaviest thing that the agent loads.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self, TypeVar

# Set before gRPC is loaded: it would write its own diagnostics in the middle of the command's.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
import grpc.aio

from prerequis.trailers import PUSHBACK, is_told
from prerequis.v1.enrolment_pb2 import EnrolRequest, EnrolResponse, RenewRequest
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from prerequis.v1.facts_pb2 import Line
from prerequis.v1.measurement_pb2 import (
    AcquireLeaseRequest,
    AcquireLeaseResponse,
    GetPlanRequest,
    GetPlanResponse,
    ReleaseLeaseRequest,
    ReleaseLeaseResponse,
    RenewLeaseRequest,
)
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis.v1.report_pb2 import ConfirmRequest, Receipt, SignedReport, SubmitManyRequest, SubmitManyResponse
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis_agent.errors import CollectorBusy, CollectorUnreachable, Refused
from prerequis_agent.identity import Identity

ANSWER_SECONDS = 15.0
"""The longest wait for one answer."""

_REFUSALS = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
    }
)

_HUNG_UP = ("Socket closed", "End of TCP stream")
"""How gRPC says, elsewhere and on Windows, that a peer ended a connection in its handshake."""

T = TypeVar("T")


class Uplink:
    """One connection to the collector; without an identity only `enrol` is answered."""

    def __init__(
        self, address: str, authority: bytes, identity: Identity | None = None, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        """Prepare to speak to host:port, whose certificate must be signed by the CA of this PEM."""
        key, chain = (identity.key_pem(), identity.chain_pem()) if identity else (None, None)
        self._address = address
        self._seconds = answer_seconds
        self._channel = grpc.aio.secure_channel(
            address,
            grpc.ssl_channel_credentials(authority, key, chain),
            # The measurements go straight to the collector; what is said of them must take the same way.
            options=[("grpc.enable_http_proxy", 0)],
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def connect(self) -> None:
        """Return once the collector has proved to be the one of this authority; raises CollectorUnreachable."""
        ready, failed = grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.TRANSIENT_FAILURE
        with self._translated():
            async with asyncio.timeout(self._seconds):
                while (state := self._channel.get_state(try_to_connect=True)) is not ready:
                    if state is failed:
                        raise CollectorUnreachable(f"Le collecteur {self._address} n'est pas joint ainsi.")
                    await self._channel.wait_for_state_change(state)

    async def enrol(self, secret: str, csr: bytes) -> EnrolResponse:
        """Return the certificate and the name of the site that a ticket's secret gives."""
        stub = EnrolmentServiceStub(self._channel)
        return await self._answer(stub.Enrol(EnrolRequest(ticket=secret, csr=csr), timeout=self._seconds))

    async def renew(self, csr: bytes) -> tuple[bytes, ...]:
        """Return a new certificate chain, DER, for the identity of this connection."""
        stub = EnrolmentServiceStub(self._channel)
        answer = await self._answer(stub.Renew(RenewRequest(csr=csr), timeout=self._seconds))
        return tuple(answer.chain)

    async def plan(self, request: GetPlanRequest) -> GetPlanResponse:
        """Return what the site's machines are asked to reach, and when this one measures the line."""
        stub = MeasurementServiceStub(self._channel)
        return await self._answer(stub.GetPlan(request, timeout=self._seconds))

    async def acquire_lease(self, request: AcquireLeaseRequest) -> AcquireLeaseResponse:
        """Return a lease, or how long to wait before asking again."""
        stub = MeasurementServiceStub(self._channel)
        return await self._answer(stub.AcquireLease(request, timeout=self._seconds))

    async def renew_lease(self, token: bytes) -> None:
        """Let a lease live on while no byte passes by the collector."""
        stub = MeasurementServiceStub(self._channel)
        await self._answer(stub.RenewLease(RenewLeaseRequest(token=token), timeout=self._seconds))

    async def release_lease(self, token: bytes, result: Line | None = None) -> ReleaseLeaseResponse:
        """Give a lease back before its time, with what was measured."""
        stub = MeasurementServiceStub(self._channel)
        return await self._answer(
            stub.ReleaseLease(ReleaseLeaseRequest(token=token, result=result), timeout=self._seconds)
        )

    async def submit(self, reports: Iterable[SignedReport]) -> AsyncIterator[Receipt]:
        """Give one receipt for each report, in order, as the collector answers."""
        call = ReportServiceStub(self._channel).SubmitMany(SubmitManyRequest(report=report) for report in reports)
        while True:
            with self._translated():
                async with asyncio.timeout(self._seconds):
                    answer = await call.read()
            if not isinstance(answer, SubmitManyResponse):  # grpc.aio.EOF: the collector has said all
                return
            yield answer.receipt

    async def confirm(self, request: ConfirmRequest) -> Receipt:
        """Return the receipt of a report that still holds; raises Refused when the collector wants it whole."""
        stub = ReportServiceStub(self._channel)
        return (await self._answer(stub.Confirm(request, timeout=self._seconds))).receipt

    async def _answer(self, call: Awaitable[T]) -> T:
        with self._translated():
            return await call

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise CollectorUnreachable(f"Le collecteur {self._address} ne répond plus.") from None
        except grpc.aio.AioRpcError as problem:
            raise _translate(self._address, problem) from problem


def _pushback_seconds(problem: grpc.aio.AioRpcError) -> float:
    """Return for how long the server wants to be left alone; 0 when it does not say."""
    said = dict(problem.trailing_metadata()).get(PUSHBACK, "")
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return int(text) / 1000 if text.isascii() and text.isdigit() else 0.0


def _translate(address: str, problem: grpc.aio.AioRpcError) -> CollectorUnreachable | Refused:
    details = problem.details() or ""
    if problem.code() == grpc.StatusCode.UNIMPLEMENTED:
        return Refused(
            f"Le collecteur {address} est plus ancien que cet agent et ne connaît pas cette demande : demander à "
            "l'administrateur de le mettre à jour."
        )
    if problem.code() in _REFUSALS:
        return Refused(details or "Le collecteur a refusé sans dire pourquoi.")
    if problem.code() == grpc.StatusCode.UNAVAILABLE:
        if is_told(problem.trailing_metadata()):
            return CollectorUnreachable(f"{details} Si cela dure, prévenir l'administrateur du collecteur {address}.")
        if "certificate has expired" in details or "certificate is not yet valid" in details:
            return CollectorUnreachable(
                f"Le certificat du collecteur {address} ne vaut pas à la date de ce poste, le "
                f"{datetime.now(UTC):%d/%m/%Y à %H:%M} UTC : régler l'horloge si elle est fausse ; sinon, relancer le "
                "collecteur."
            )
        if "CERTIFICATE_VERIFY_FAILED" in details or "Hostname Verification" in details:
            return CollectorUnreachable(
                f"Ce qui répond à {address} n'est pas le collecteur qui a enrôlé ce poste : vérifier l'adresse, ou "
                "demander un nouveau ticket."
            )
        if "failed to connect" in details and any(words in details for words in _HUNG_UP):
            # TLS does not tell a client why its certificate was not accepted.
            return CollectorUnreachable(
                f"Le collecteur {address} ferme la connexion sans répondre : il s'arrête, ou n'accepte pas le "
                "certificat de ce poste. Vérifier que l'horloge est juste (ici, le "
                f"{datetime.now(UTC):%d/%m/%Y à %H:%M} UTC) et relancer ; si cela dure, enrôler ce poste avec un "
                "nouveau ticket."
            )
        return CollectorUnreachable(f"Le collecteur {address} est injoignable : vérifier le réseau, puis relancer.")
    if problem.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return CollectorUnreachable(f"Le collecteur {address} n'a pas répondu à temps : relancer plus tard.")
    if problem.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return CollectorBusy(
            f"Le collecteur {address} est débordé : relancer dans quelques minutes.", _pushback_seconds(problem)
        )
    return CollectorUnreachable(
        f"Le collecteur {address} a eu une erreur ({problem.code().name}) : relancer plus tard."
    )
