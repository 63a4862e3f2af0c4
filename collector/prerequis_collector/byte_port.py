"""A port whose connections are served by threads of its own: where a line's bytes move, and nothing else."""

import logging
import socket
import ssl
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread

from prerequis.os_errors import why
from prerequis_collector.config import Address
from prerequis_collector.errors import CollectorError, InvalidInput

PATIENCE_SECONDS = 5.0
"""The longest that a client may be silent."""

_CONNECTIONS = 64

_log = logging.getLogger(__name__)


class BytePort(ABC):
    """Serves until it is closed."""

    def __init__(self, address: Address, context: ssl.SSLContext) -> None:
        """Listen; raises InvalidInput when the address is taken."""
        self._context = context
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            # Every address of the machine means those of IPv4 too, as gRPC understands it.
            both = address.host == "::" and socket.has_dualstack_ipv6()
            self._socket = socket.create_server(
                (address.host, address.port), family=family, backlog=_CONNECTIONS, dualstack_ipv6=both
            )
        except OSError as error:
            raise InvalidInput(f"Impossible d'écouter sur {address} : {why(error)}.") from error
        self.address = Address(address.host, self._socket.getsockname()[1])
        self._pool = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="line")
        self._thread = Thread(target=self._accept, name="line", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections and end with those that are open."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._pool.shutdown()

    @abstractmethod
    def serve(self, connection: ssl.SSLSocket) -> None:
        """Serve one client; OSError and CollectorError end it."""

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            self._pool.submit(self._serve, connection).add_done_callback(_tell)

    def _serve(self, raw: socket.socket) -> None:
        raw.settimeout(PATIENCE_SECONDS)
        try:
            with self._context.wrap_socket(raw, server_side=True) as connection:
                self.serve(connection)
        except (OSError, CollectorError) as error:
            # A connection that is closed at once timed a round trip: nothing to tell.
            level = logging.DEBUG if isinstance(error, ssl.SSLEOFError | ConnectionError) else logging.INFO
            _log.log(level, "measurement ended: %s: %s", type(error).__name__, error)
            raw.close()


def _tell(served: Future[None]) -> None:
    error = served.exception()
    if error is not None:
        _log.error("measurement failed", exc_info=error)
