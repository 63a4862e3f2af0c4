"""grpc.health.v1: whether reports can be taken in now, for load balancers and watchers; anybody may ask.

Only Check: Watch would let somebody without a certificate hold calls open.
"""

import asyncio
import logging
import time
from typing import Any

import grpc
from grpc import aio
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from prerequis_collector.api.access import OPEN, ROLES
from prerequis_collector.collector import Collector
from prerequis_collector.errors import CollectorError, NotFound
from prerequis_collector.store.liveness import ask

_GOOD_FOR_SECONDS = 1.0
"""However many ask, the database is asked once in this time."""
_PATIENCE_SECONDS = 3.0

_log = logging.getLogger(__name__)


class Health:
    """Answers for the whole collector: its services live and die together."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._services = {"", *(method.split("/")[1] for method in OPEN | ROLES.keys())}
        self._asking = asyncio.Lock()
        self._answers = False
        self._asked = float("-inf")

    def add_to(self, server: aio.Server) -> None:
        """Register Check, and nothing else of the service."""
        check = grpc.unary_unary_rpc_method_handler(
            self.Check, HealthCheckRequest.FromString, HealthCheckResponse.SerializeToString
        )
        server.add_registered_method_handlers(health.SERVICE_NAME, {"Check": check})

    async def Check(self, request: HealthCheckRequest, context: aio.ServicerContext[Any, Any]) -> HealthCheckResponse:
        """Return SERVING while the database answers; raises NotFound for a service that is not here."""
        if request.service not in self._services:
            raise NotFound("Aucun service de ce nom.")
        async with self._asking:
            if time.monotonic() - self._asked >= _GOOD_FOR_SECONDS:
                self._answers = await self._ask()
                self._asked = time.monotonic()
        return HealthCheckResponse(
            status=HealthCheckResponse.SERVING if self._answers else HealthCheckResponse.NOT_SERVING
        )

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._collector.read(ask)
        except (CollectorError, TimeoutError) as error:
            _log.warning("not serving: %s: %s", type(error).__name__, error)
            return False
        return True
