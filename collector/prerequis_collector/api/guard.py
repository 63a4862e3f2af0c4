"""What surrounds every call: who is it, may they, and which error leaves."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeVar

import grpc
from cryptography import x509
from grpc import aio

from prerequis_collector.api.access import OPEN, ROLES
from prerequis_collector.api.errors import STATUS, UNEXPECTED
from prerequis_collector.collector import Collector
from prerequis_collector.errors import CollectorError, NotAllowed, NotIdentified
from prerequis_collector.services.authority import Named, named_by
from prerequis_collector.services.identify import Caller, identify

Request = TypeVar("Request")
Response = TypeVar("Response")

_log = logging.getLogger(__name__)
_caller: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """Return who makes the current call; only within a call that is not open to all."""
    return _caller.get()


class Guard(aio.ServerInterceptor):
    """Lets a call through to its servicer when the table of roles gives it to the caller."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Request, Response] | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Request, Response] | None":
        """Return the handler with the guard around it; None when there is no such method."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        # The generic handler's stubs describe synchronous servers only.
        unary: Any = handler.unary_unary
        stream: Any = handler.stream_stream
        if unary is not None:

            async def guarded(request: Request, context: aio.ServicerContext[Request, Response]) -> Response:
                async with self._around(method, context):
                    answer: Response = await unary(request, context)
                    return answer

            return grpc.unary_unary_rpc_method_handler(
                guarded, handler.request_deserializer, handler.response_serializer
            )

        async def guarded_stream(
            requests: AsyncIterator[Request], context: aio.ServicerContext[Request, Response]
        ) -> AsyncIterator[Response]:
            async with self._around(method, context):
                async for answer in stream(requests, context):
                    yield answer

        return grpc.stream_stream_rpc_method_handler(
            guarded_stream, handler.request_deserializer, handler.response_serializer
        )

    @asynccontextmanager
    async def _around(self, method: str, context: aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
        try:
            if method not in OPEN:
                _caller.set(await self._admit(method, context))
            yield
        except CollectorError as error:
            _log.info("%s refused: %s: %s", method, type(error).__name__, error, exc_info=error.__cause__)
            await context.abort(STATUS[type(error)], str(error))
        except aio.BaseError:
            raise  # gRPC's own: the call was aborted or the caller is gone
        except Exception:  # noqa: BLE001 – the caller must get a status; the cause is in the log
            _log.exception("%s failed", method)
            await context.abort(grpc.StatusCode.INTERNAL, UNEXPECTED)

    async def _admit(self, method: str, context: aio.ServicerContext[Any, Any]) -> Caller:
        shown = list(context.auth_context().get("x509_pem_cert", ()))
        if not shown:
            raise NotIdentified("Cet appel demande un certificat ; enrôler d'abord ce poste.")
        named = _named(shown[0])
        known = await self._collector.read(lambda transaction: identify(transaction, named))
        if known.role not in ROLES.get(method, ()):
            raise NotAllowed("Votre rôle ne donne pas droit à cette demande.")
        return known


@lru_cache(maxsize=4096)
def _named(pem: bytes) -> Named:
    """Return whom a certificate names; TLS has verified it against the authority."""
    return named_by(x509.load_pem_x509_certificate(pem))
