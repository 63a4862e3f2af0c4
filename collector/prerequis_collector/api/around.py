"""Standing for the server where services register, to put something around each of their methods."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from grpc import aio


class Around(ABC):
    """A server as generated code sees it; it passes methods on as `around` makes them.

    Done once for each method: an interceptor would do it anew for each call.
    """

    def __init__(self, server: aio.Server) -> None:
        """Stand for this server, or for another that stands for it."""
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:  # noqa: B027 – so it is
        """Take nothing: the same methods come by name too, and a method unknown here must have no handler."""

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, "grpc.RpcMethodHandler[Any, Any]"]
    ) -> None:
        """Register the methods of a service."""
        self._server.add_registered_method_handlers(
            service_name,
            {name: self.around(f"/{service_name}/{name}", handler) for name, handler in method_handlers.items()},
        )

    @abstractmethod
    def around(self, method: str, handler: "grpc.RpcMethodHandler[Any, Any]") -> "grpc.RpcMethodHandler[Any, Any]":
        """Return what is registered for a method, by its path, in the place of its handler."""
