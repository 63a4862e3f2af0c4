"""A collector of one site that keeps everything in memory: real gRPC, real mutual TLS, on loopback."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.agent.conftest import Authority, agent_name

from prerequis.trailers import TOLD
from prerequis.v1.enrolment_pb2 import EnrolRequest, EnrolResponse, RenewRequest, RenewResponse
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceServicer, add_EnrolmentServiceServicer_to_server
from prerequis.v1.measurement_pb2 import (
    AcquireLeaseRequest,
    AcquireLeaseResponse,
    GetPlanRequest,
    GetPlanResponse,
    Lease,
    ReleaseLeaseRequest,
    ReleaseLeaseResponse,
    RenewLeaseRequest,
    RenewLeaseResponse,
    Target,
)
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceServicer, add_MeasurementServiceServicer_to_server
from prerequis.v1.report_pb2 import (
    ConfirmRequest,
    ConfirmResponse,
    Receipt,
    Report,
    SignedReport,
    SubmitManyRequest,
    SubmitManyResponse,
    SubmitRequest,
    SubmitResponse,
)
from prerequis.v1.report_pb2_grpc import ReportServiceServicer, add_ReportServiceServicer_to_server

SECRET = "ouvre-toi"
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass
class TinyCollector(EnrolmentServiceServicer, ReportServiceServicer, MeasurementServiceServicer):
    """What it is told to do is in its fields, and so is what it was given."""

    authority: Authority
    life: tuple[timedelta, timedelta] = (timedelta(hours=-1), timedelta(days=90))
    """When the certificates that it gives begin and end."""
    refusal: str = ""
    """Why it refuses every report; empty: it keeps them."""
    failure: grpc.StatusCode | None = None
    """What it answers to every SubmitMany instead of receipts."""
    told: bool = False
    """Says that the words of its failure are its own."""
    busy: list[int] = field(default_factory=list)
    """For each of the next calls of SubmitMany, after how many milliseconds it asks to be called again."""
    answers_at_most: int = 10**9
    measure_port: int = 0
    retry_after: int = 0
    """Seconds after which a busy line may be asked for again; 0: the line is free."""
    elects_another: bool = False
    """Gives the services to ask to whom a person watches alone."""
    shows: Authority | None = None
    """Who signed the certificate that it shows; None: the authority that signs those of agents."""
    gives: tuple[bytes, ...] = ()
    """By which authorities it is to be known, DER, for who says to know it otherwise."""
    trusts: list[bytes] = field(default_factory=list)
    """Of each question for the plan, by which authorities who asked knows the collector."""
    attended: list[bool] = field(default_factory=list)
    """Of each question for the plan, whether a person waited."""
    kept: dict[bytes, SignedReport] = field(default_factory=dict)
    confirmed: list[ConfirmRequest] = field(default_factory=list)
    renewals: int = 0
    leases: list[str] = field(default_factory=list)
    port: int = 0
    enrolment_port: int = 0

    def ticket(self, path: Path, expires: str = "2099-01-01T00:00:00Z", secret: str = SECRET) -> Path:
        path.write_text(
            f'collector = "localhost:{self.port}"\nenrolment = "localhost:{self.enrolment_port}"\n'
            f'authority = """{self.authority.pem.decode()}"""\nsecret = "{secret}"\nfiness = "990000010"\n'
            f'site = "Site d\'essai"\nexpires = {expires}\n'
        )
        return path

    async def Enrol(self, request: EnrolRequest, context: Context) -> EnrolResponse:
        if request.ticket != SECRET:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Ticket inconnu : en demander un nouveau.")
        return EnrolResponse(
            chain=[self.certify(request.csr)], agent_id="agent-1", finess="990000010", site_name="Site d'essai"
        )

    async def Renew(self, request: RenewRequest, context: Context) -> RenewResponse:
        self.renewals += 1
        self.life = (timedelta(hours=-1), timedelta(days=90))
        return RenewResponse(chain=[self.certify(request.csr)])

    def certify(self, csr: bytes) -> bytes:
        asked = x509.load_der_x509_csr(csr)
        key = asked.public_key()
        assert asked.is_signature_valid
        assert isinstance(key, ec.EllipticCurvePublicKey)
        certificate = self.authority.sign(key, agent_name("agent-1"), *self.life)
        return certificate.public_bytes(serialization.Encoding.DER)

    async def Submit(self, request: SubmitRequest, context: Context) -> SubmitResponse:
        return SubmitResponse(receipt=self.take(request.report))

    async def SubmitMany(
        self, request_iterator: AsyncIterator[SubmitManyRequest], context: Context
    ) -> AsyncIterator[SubmitManyResponse]:
        answered = 0
        if self.busy:
            # Sent away before its first words are read, a client may see its stream reset and no status.
            await anext(aiter(request_iterator))
            pushback = (("grpc-retry-pushback-ms", str(self.busy.pop(0))),)
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Trop de monde.", pushback)
        async for request in request_iterator:
            if self.failure:
                await context.abort(self.failure, "Panne d'essai.", (TOLD,) if self.told else ())
            receipt = self.take(request.report)
            if answered == self.answers_at_most:
                return
            answered += 1
            yield SubmitManyResponse(receipt=receipt)

    async def Confirm(self, request: ConfirmRequest, context: Context) -> ConfirmResponse:
        if request.digest != next(reversed(self.kept), None):
            await context.abort(grpc.StatusCode.NOT_FOUND, "Remettre le rapport entier.")
        self.confirmed.append(request)
        return ConfirmResponse(receipt=Receipt(digest=request.digest, state=Receipt.ALREADY_KEPT))

    def take(self, signed: SignedReport) -> Receipt:
        digest = hashlib.sha256(signed.report).digest()
        key = x509.load_der_x509_certificate(signed.certificate).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(signed.signature, signed.report, ec.ECDSA(hashes.SHA256()))
        if self.refusal:
            return Receipt(digest=digest, state=Receipt.REFUSED, reason=self.refusal)
        state = Receipt.ALREADY_KEPT if digest in self.kept else Receipt.KEPT
        self.kept[digest] = signed
        return Receipt(digest=digest, state=state)

    @property
    def reports(self) -> list[Report]:
        return [Report.FromString(signed.report) for signed in self.kept.values()]

    async def GetPlan(self, request: GetPlanRequest, context: Context) -> GetPlanResponse:
        self.attended.append(request.attended)
        self.trusts.append(request.trusts)
        if self.elects_another and not request.attended:
            return GetPlanResponse(another_elected=True, demand_bits_per_second=2e6)
        targets = [Target(host="localhost", port=self.port, purpose="collector")]
        given = () if request.trusts == hashlib.sha256(b"".join(self.gives)).digest() else self.gives
        return GetPlanResponse(targets=targets, demand_bits_per_second=2e6, authorities=given)

    async def AcquireLease(self, request: AcquireLeaseRequest, context: Context) -> AcquireLeaseResponse:
        self.leases.append("asked")
        answer = AcquireLeaseResponse()
        if self.retry_after:
            answer.retry_after.FromSeconds(self.retry_after)
        else:
            answer.lease.CopyFrom(Lease(token=bytes(16), port=self.measure_port, bytes_per_direction=10**6))
        return answer

    async def RenewLease(self, request: RenewLeaseRequest, context: Context) -> RenewLeaseResponse:
        return RenewLeaseResponse()

    async def ReleaseLease(self, request: ReleaseLeaseRequest, context: Context) -> ReleaseLeaseResponse:
        self.leases.append("released")
        return ReleaseLeaseResponse()

    def start(self) -> None:
        """Serve in a thread, on the same ports as before when there was a before."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="tiny-collector")
        self._thread.start()
        assert ready.wait(60)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        server = grpc.aio.server()
        add_EnrolmentServiceServicer_to_server(self, server)
        add_ReportServiceServicer_to_server(self, server)
        add_MeasurementServiceServicer_to_server(self, server)
        pair = (self.shows or self.authority).server_pem("localhost", "127.0.0.1")
        mutual = grpc.ssl_server_credentials([pair], self.authority.pem, require_client_auth=True)
        self.port = server.add_secure_port(f"localhost:{self.port}", mutual)
        self.enrolment_port = server.add_secure_port(
            f"localhost:{self.enrolment_port}", grpc.ssl_server_credentials([pair])
        )
        await server.start()
        ready.set()
        await self._ended.wait()
        await server.stop(None)
