"""What surrounds every call: who is it, may they, and which error leaves."""

import logging
from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.message import Message
from grpc import aio

from prerequis_collector.api.access import CHECKED_IN_WRITING, OPEN, ROLES
from prerequis_collector.api.around import Around
from prerequis_collector.api.errors import STATUS, UNEXPECTED, come_back
from prerequis_collector.api.texts import check_texts
from prerequis_collector.collector import Collector
from prerequis_collector.errors import CollectorError, NotAllowed, NotIdentified
from prerequis_collector.services.authority import Kind, Named, named_by
from prerequis_collector.services.identify import Caller, Role, admit

Request = TypeVar("Request")
Response = TypeVar("Response")
Context = aio.ServicerContext[Any, Any]

_log = logging.getLogger(__name__)
_caller: ContextVar[Caller] = ContextVar("caller")
_shown: ContextVar[tuple[Named, bytes]] = ContextVar("shown")
"""Whom the certificate of the current call names, and its DER; the gate has it noted."""


def caller() -> Caller:
    """Return who makes the current call; only within a call that is not open to all."""
    return _caller.get()


def note_certificate(method: str, context: Context) -> str:
    """Return whom the certificate of a call that begins names, "" when it has none and needs none.

    Raises NotIdentified. Done once for each call: gRPC makes a copy of all that it knows of the connection each time.
    """
    shown = context.auth_context().get("x509_pem_cert")
    known = _named(next(iter(shown))) if shown else None
    if known is None and method not in OPEN:
        raise NotIdentified("Cet appel demande un certificat ; enrôler d'abord ce poste.")
    if known is None:
        return ""
    _shown.set(known)
    return known[0].name


class Guarded(Around):
    """Puts the guard around methods: a call goes through when the table of roles gives it to the caller."""

    def __init__(self, server: aio.Server, collector: Collector) -> None:
        super().__init__(server)
        self._collector = collector

    def around(
        self, method: str, handler: "grpc.RpcMethodHandler[Request, Response]"
    ) -> "grpc.RpcMethodHandler[Request, Response]":
        """Return the method with the guard around it."""
        # The handler's stubs describe synchronous servers only.
        unary: Any = handler.unary_unary
        stream: Any = handler.stream_stream
        if unary is not None:

            async def guarded(request: Request, context: Context) -> Response:
                try:
                    if method not in CHECKED_IN_WRITING and isinstance(request, Message):
                        check_texts(request)
                    await self._admit(method, context, getattr(request, "finess", ""))
                    answer: Response = await unary(request, context)
                except Exception as error:  # noqa: BLE001 – the caller must get a status; the cause is in the log
                    await refuse(method, context, error)
                return answer

            return grpc.unary_unary_rpc_method_handler(
                guarded, handler.request_deserializer, handler.response_serializer
            )

        async def guarded_stream(requests: AsyncIterator[Request], context: Context) -> AsyncIterator[Response]:
            try:
                await self._admit(method, context)
                async for answer in stream(requests, context):
                    yield answer
            except Exception as error:  # noqa: BLE001 – as above
                await refuse(method, context, error)

        return grpc.stream_stream_rpc_method_handler(
            guarded_stream, handler.request_deserializer, handler.response_serializer
        )

    async def _admit(self, method: str, context: Context, finess: str = "") -> None:
        """Note who calls; raises when that is nobody, or not whose business this method or this site is."""
        if method in OPEN:
            return
        named, certificate = _shown.get()
        if method in CHECKED_IN_WRITING and named.kind is Kind.AGENT:
            known = Caller(Role.AGENT, named.name, certificate=certificate)
        else:
            known = await self._collector.read(lambda transaction: admit(transaction, named, finess))
        if known.role not in ROLES.get(method, ()):
            raise NotAllowed("Votre rôle ne donne pas droit à cette demande.")
        _caller.set(known)


async def refuse(method: str, context: Context, error: Exception) -> NoReturn:
    """End the call with the status of the error, and with the time after which to come back where that is known."""
    if isinstance(error, aio.BaseError):
        raise error  # gRPC's own: the call was aborted or the caller is gone
    if isinstance(error, CollectorError):
        _log.info("%s refused: %s: %s", method, type(error).__name__, error.for_log(), exc_info=error.__cause__)
        await context.abort(STATUS[type(error)], str(error), come_back(error))
    _log.error("%s failed", method, exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, UNEXPECTED)


@lru_cache(maxsize=4096)
def _named(pem: bytes) -> tuple[Named, bytes]:
    """Return whom a certificate names, and its DER; TLS has verified it against the authority."""
    certificate = x509.load_pem_x509_certificate(pem)
    return named_by(certificate), certificate.public_bytes(Encoding.DER)
