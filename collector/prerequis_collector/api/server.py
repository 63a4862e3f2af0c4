"""The two gRPC servers, their services and their limits."""

import asyncio
from dataclasses import dataclass
from typing import cast

import grpc
from grpc import aio

from prerequis.v1.enrolment_pb2_grpc import add_EnrolmentServiceServicer_to_server
from prerequis.v1.line_review_pb2_grpc import add_LineReviewServiceServicer_to_server
from prerequis.v1.measurement_pb2_grpc import add_MeasurementServiceServicer_to_server
from prerequis.v1.ordering_pb2_grpc import add_OrderingServiceServicer_to_server
from prerequis.v1.report_pb2_grpc import add_ReportServiceServicer_to_server
from prerequis.v1.review_pb2_grpc import add_ReviewServiceServicer_to_server
from prerequis.v1.rule_review_pb2_grpc import add_RuleReviewServiceServicer_to_server
from prerequis.v1.services_review_pb2_grpc import add_ServicesReviewServiceServicer_to_server
from prerequis.v1.waiver_pb2_grpc import add_WaiverServiceServicer_to_server
from prerequis_collector.api.admission import ENROLMENT, MAIN, Admission, Limits, Pace
from prerequis_collector.api.enrolment import Enrolment
from prerequis_collector.api.gate import Gate
from prerequis_collector.api.guard import Guarded
from prerequis_collector.api.health import Health
from prerequis_collector.api.line_review import LineReview
from prerequis_collector.api.measurement import Measurement
from prerequis_collector.api.ordering import Ordering
from prerequis_collector.api.report import Reports
from prerequis_collector.api.review import Review
from prerequis_collector.api.rule_review import RuleReview
from prerequis_collector.api.services_review import ServicesReview
from prerequis_collector.api.waiver import Waivers
from prerequis_collector.collector import Collector
from prerequis_collector.config import Address
from prerequis_collector.errors import InvalidInput
from prerequis_collector.server_identity import ServerIdentity

LARGEST_MESSAGE_BYTES = Limits().largest_message
_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    # Two collectors must never share a port in silence.
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 30_000),
    # Nothing here is sent compressed, and a small compressed message may hide a large one.
    ("grpc.compression_enabled_algorithms_bitset", 1),
    # What is not yet read waits with its sender: the window must not grow with the speed of the line.
    ("grpc.http2.bdp_probe", 0),
)
_MOST_CALLS = 2
"""gRPC's own limit, in those of the admission, which says when to come back."""


@dataclass(frozen=True, slots=True)
class Servers:
    """One server for whoever has a certificate, one for those who have none yet: neither can fill the other."""

    main: aio.Server
    enrolment: aio.Server

    async def start(self) -> None:
        """Answer from now on."""
        await asyncio.gather(self.main.start(), self.enrolment.start())

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, and wait so long for those that run."""
        await asyncio.gather(self.main.stop(grace_seconds), self.enrolment.stop(grace_seconds))


def build(
    collector: Collector, main: Limits = MAIN, enrolment: Limits = ENROLMENT, pace: Pace | None = None
) -> Servers:
    """Return the servers with every service on them, not yet listening; the pace is that of enrolments."""
    health, enrolments = Health(collector), Enrolment(collector, pace or Pace())
    return Servers(
        _build(collector, health, enrolments, "main", Admission(main)),
        _build(collector, health, enrolments, "enrolment", Admission(enrolment)),
    )


def _build(collector: Collector, health: Health, enrolments: Enrolment, port: str, admission: Admission) -> aio.Server:
    limits = admission.limits
    options = (
        *_OPTIONS,
        ("grpc.max_receive_message_length", limits.largest_message),
        ("grpc.server_handshake_timeout_ms", round(limits.handshake_seconds * 1000)),
        ("grpc.max_connection_idle_ms", round(limits.idle_seconds * 1000)),
        ("grpc.max_allowed_incoming_connections", limits.connections),
    )
    server = aio.server(options=options, maximum_concurrent_rpcs=_MOST_CALLS * limits.calls)
    metrics = collector.metrics
    metrics.watch("prerequis_calls_in_progress", "Calls not yet ended.", lambda: admission.calls, port=port)
    metrics.watch("prerequis_message_bytes_held", "Bytes of their messages.", lambda: admission.held, port=port)
    guarded = cast("aio.Server", Guarded(cast("aio.Server", Gate(server, admission, metrics)), collector))
    health.add_to(guarded)
    add_EnrolmentServiceServicer_to_server(enrolments, guarded)
    add_ReportServiceServicer_to_server(Reports(collector), guarded)
    add_MeasurementServiceServicer_to_server(Measurement(collector), guarded)
    add_LineReviewServiceServicer_to_server(LineReview(collector), guarded)
    add_ReviewServiceServicer_to_server(Review(collector), guarded)
    add_OrderingServiceServicer_to_server(Ordering(collector), guarded)
    add_RuleReviewServiceServicer_to_server(RuleReview(collector), guarded)
    add_WaiverServiceServicer_to_server(Waivers(collector), guarded)
    add_ServicesReviewServiceServicer_to_server(ServicesReview(collector), guarded)
    return server


def listen(server: aio.Server, address: Address, identity: ServerIdentity, authority: bytes | None) -> Address:
    """Listen and return the address with the port that was chosen; raises InvalidInput when it is taken.

    With an authority, PEM, callers must show a certificate that it signed; without, they are asked for none. gRPC for
    Python knows only these two: hence a port apart for enrolling, on which the guard refuses everything but Enrol.
    """
    shown = identity.current()

    def configuration() -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([(shown.key, shown.chain)], authority)

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        """Return what handshakes show from now on; None: what they showed before."""
        nonlocal shown
        now = identity.current()
        if now is shown:
            return None
        shown = now
        return configuration()

    credentials = grpc.dynamic_ssl_server_credentials(
        configuration(),
        fetch,  # type: ignore[arg-type]  # the stubs do not know that None means "as before"
        authority is not None,
    )
    try:
        port = server.add_secure_port(str(address), credentials)
    except RuntimeError as error:
        raise InvalidInput(f"Impossible d'écouter sur {address} : l'adresse est prise ou interdite.") from error
    return Address(address.host, port)
