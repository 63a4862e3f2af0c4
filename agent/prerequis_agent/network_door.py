"""The part of the door to the machine that leads to the network: names, TCP connections, TLS.

Python's own exceptions (gaierror, TimeoutError, ConnectionError, OSError, SSLError) pass through.
"""

import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    # The probes that run apart, in an interpreter of their own on Windows and macOS, never speak TLS.
    import ssl

    from prerequis_agent.lan.path import Way
    from prerequis_agent.tls_stream import TlsStream

T = TypeVar("T")


class NetworkDoor(ABC):
    """How a machine reaches others; `Host` is the door of which this is a part."""

    @abstractmethod
    def _require_live(self, what: str) -> None:
        """Raise Unsupported, naming what was asked for, where this is no live machine."""

    def resolve(self, host: str, port: int, timeout: float) -> list[str]:
        """Return the addresses of a name, in the system's order of preference."""
        self._require_live("le DNS")
        found = _within(timeout, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def connect(self, addresses: Sequence[str], port: int, timeout: float) -> socket.socket:
        """Return a TCP connection to the first address that answers; raises what the last one raised.

        All share `timeout` seconds, so that an address family that leads nowhere does not hide the other.
        """
        self._require_live("le réseau")
        limit = time.perf_counter() + timeout
        failure: OSError = TimeoutError()
        for index, address in enumerate(addresses):
            share = (limit - time.perf_counter()) / (len(addresses) - index)
            if share <= 0:
                break
            try:
                connection = socket.create_connection((address, port), share)
            except OSError as problem:
                failure = problem
            else:
                connection.settimeout(timeout)
                return connection
        raise failure

    def start_connecting(self, address: str, port: int) -> socket.socket:
        """Return a socket that does not block and whose TCP connection is under way, to time many side by side."""
        self._require_live("le réseau")
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect_ex((address, port))
        return connection

    def path_to(self, addresses: Sequence[str], port: int, timeout: float) -> "Way":
        """Return the path to the first address that answers, or only by which address this machine would leave."""
        self._require_live("le chemin sur le réseau")
        from prerequis_agent.lan.path import path_to  # loaded by the one probe that asks

        return path_to(addresses, port, timeout)

    def handshake(self, connection: socket.socket, name: str, context: "ssl.SSLContext") -> "ssl.SSLSocket":
        """Return the connection after a TLS handshake; closes it when that fails."""
        try:
            return context.wrap_socket(connection, server_hostname=name)
        except BaseException:
            connection.close()
            raise

    def stream(self, connection: socket.socket, name: str, context: "ssl.SSLContext") -> "TlsStream":
        """Return a TLS connection that can be closed in one direction; closes the socket when the handshake fails."""
        from prerequis_agent.tls_stream import TlsStream

        try:
            return TlsStream(connection, name, context)
        except BaseException:
            connection.close()
            raise


def _within(timeout: float, question: Callable[[], T]) -> T:
    """Return the answer to a call that cannot be interrupted; raises TimeoutError and leaves it behind when late."""
    answers: list[T] = []
    problems: list[Exception] = []

    def ask() -> None:
        try:
            answers.append(question())
        except Exception as problem:  # noqa: BLE001 – raised again below
            problems.append(problem)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    if problems:
        raise problems[0]
    if not answers:
        raise TimeoutError
    return answers[0]
