"""What surrounds the guard: messages are let in within limits, and calls are counted.

Every method takes its messages as a stream here, which is the same on the wire: gRPC would read the whole message of a
unary call before anybody could say that there is no room for it.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError
from grpc import aio

from prerequis_collector.api.admission import Admission, Admitted, source
from prerequis_collector.api.around import Around
from prerequis_collector.api.guard import Context, note_certificate, refuse
from prerequis_collector.errors import InvalidInput
from prerequis_collector.metrics import CallMetrics, Metrics

Request = TypeVar("Request")
Response = TypeVar("Response")


class Gate(Around):
    """Lets messages in within limits, and counts calls."""

    def __init__(self, server: aio.Server, admission: Admission, metrics: Metrics) -> None:
        super().__init__(server)
        self._admission = admission
        self._metrics = metrics

    def around(
        self, method: str, handler: "grpc.RpcMethodHandler[Request, Response]"
    ) -> "grpc.RpcMethodHandler[bytes, Response]":
        """Return the method as one that takes a stream of bytes, within limits."""
        parse = handler.request_deserializer
        assert parse is not None  # noqa: S101 – generated code always has one
        metrics = self._metrics.call(method)
        # The handler's stubs describe synchronous servers only.
        unary: Any = handler.unary_unary
        if unary is not None:
            return grpc.stream_unary_rpc_method_handler(
                self._one(method, unary, parse, metrics), None, handler.response_serializer
            )
        stream: Any = handler.stream_stream
        return grpc.stream_stream_rpc_method_handler(
            self._many(method, stream, parse, metrics), None, handler.response_serializer
        )

    def _one(
        self,
        method: str,
        answer: Callable[[Request, Context], Awaitable[Response]],
        parse: Callable[[bytes], Request],
        metrics: CallMetrics,
    ) -> Any:
        async def gated(_: AsyncIterator[bytes], context: Context) -> Response:
            started = time.perf_counter()
            try:
                with self._admission.call(_who(method, context)) as admitted:
                    request = _parsed(parse, await admitted.receive(context.read))
                    answered = await answer(request, context)
            except BaseException as error:
                await _end(method, context, error, metrics)
                raise
            metrics.answered(time.perf_counter() - started)
            return answered

        return gated

    def _many(
        self,
        method: str,
        answer: Callable[[AsyncIterator[Request], Context], AsyncIterator[Response]],
        parse: Callable[[bytes], Request],
        metrics: CallMetrics,
    ) -> Any:
        async def gated(_: AsyncIterator[bytes], context: Context) -> AsyncIterator[Response]:
            try:
                with self._admission.call(_who(method, context)) as admitted:
                    async for answered in answer(_messages(admitted, parse, context), context):
                        yield answered
            except BaseException as error:
                await _end(method, context, error, metrics)
                raise
            metrics.ended("OK")

        return gated


async def _messages(admitted: Admitted, parse: Callable[[bytes], Request], context: Context) -> AsyncIterator[Request]:
    while (message := await admitted.receive(context.read)) is not None:
        yield _parsed(parse, message)


def _parsed(parse: Callable[[bytes], Request], message: bytes | None) -> Request:
    try:
        return parse(message or b"")
    except DecodeError as error:
        raise InvalidInput("Le message est illisible.") from error


async def _end(method: str, context: Context, error: BaseException, metrics: CallMetrics) -> None:
    """Count the end of a call, and give it the status of an error that has none yet."""
    try:
        if isinstance(error, Exception):
            await refuse(method, context, error)
    finally:
        code = context.code()
        metrics.ended(code.name if isinstance(code, grpc.StatusCode) else "CANCELLED")


def _who(method: str, context: Context) -> str:
    """Return whom the certificate names, or where somebody without one comes from."""
    return note_certificate(method, context) or source(context.peer())
