"""The gRPC server: its two ports, its services and its limits."""

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
from prerequis_collector.api.enrolment import Enrolment
from prerequis_collector.api.guard import Guarded
from prerequis_collector.api.line_review import LineReview
from prerequis_collector.api.measurement import Measurement
from prerequis_collector.api.ordering import Ordering
from prerequis_collector.api.report import Reports
from prerequis_collector.api.review import Review
from prerequis_collector.api.rule_review import RuleReview
from prerequis_collector.api.services_review import ServicesReview
from prerequis_collector.collector import Collector
from prerequis_collector.config import Address
from prerequis_collector.errors import InvalidInput

LARGEST_MESSAGE_BYTES = 2 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE_BYTES),
    ("grpc.max_send_message_length", -1),
    # Two collectors must never share a port in silence.
    ("grpc.so_reuseport", 0),
    ("grpc.max_connection_idle_ms", 300_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 30_000),
)
_CONCURRENT_CALLS = 4096


def build(collector: Collector) -> aio.Server:
    """Return the server with every service on it, not yet listening."""
    server = aio.server(options=_OPTIONS, maximum_concurrent_rpcs=_CONCURRENT_CALLS)
    guarded = cast("aio.Server", Guarded(server, collector))
    add_EnrolmentServiceServicer_to_server(Enrolment(collector), guarded)
    add_ReportServiceServicer_to_server(Reports(collector), guarded)
    add_MeasurementServiceServicer_to_server(Measurement(collector), guarded)
    add_LineReviewServiceServicer_to_server(LineReview(collector), guarded)
    add_ReviewServiceServicer_to_server(Review(collector), guarded)
    add_OrderingServiceServicer_to_server(Ordering(collector), guarded)
    add_RuleReviewServiceServicer_to_server(RuleReview(collector), guarded)
    add_ServicesReviewServiceServicer_to_server(ServicesReview(collector), guarded)
    return server


def listen(server: aio.Server, address: Address, identity: tuple[bytes, bytes], authority: bytes | None) -> Address:
    """Listen and return the address with the port that was chosen; raises InvalidInput when it is taken.

    `identity` is the key and the chain, PEM. With an authority, callers must show a certificate that it signed;
    without, they are asked for none. gRPC for Python knows only these two: hence a port apart for enrolling, on which
    the guard refuses everything but Enrol.
    """
    credentials = grpc.ssl_server_credentials([identity], authority, require_client_auth=authority is not None)
    try:
        port = server.add_secure_port(str(address), credentials)
    except RuntimeError as error:
        raise InvalidInput(f"Impossible d'écouter sur {address} : l'adresse est prise ou interdite.") from error
    return Address(address.host, port)
