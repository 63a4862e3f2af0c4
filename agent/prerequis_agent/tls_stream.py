"""A TLS connection that can end its own direction and go on listening, which ssl.SSLSocket cannot.

SSLSocket.unwrap sends the closing notice and at once reads from the socket, where the far end's last words are not
what it expects. Here the bytes pass through memory, so that only this class decides when something is read.
"""

import contextlib
import select
import socket
import ssl
from collections.abc import Callable
from typing import Self, TypeVar

T = TypeVar("T")


class TlsStream:
    """The client's end, over a socket with a timeout, which it closes when left."""

    def __init__(self, connection: socket.socket, name: str, context: ssl.SSLContext) -> None:
        """Shake hands; raises OSError (which SSLError and TimeoutError are)."""
        self._socket = connection
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._until_enough(self._tls.do_handshake)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, content: bytes) -> None:
        """Send everything."""
        self._tls.write(content)
        self._flush()

    def finish(self) -> None:
        """Say that nothing more will be sent."""
        with contextlib.suppress(ssl.SSLWantReadError):  # it would now wait for the far end's notice
            self._tls.unwrap()
        self._flush()

    def hear(self) -> bytes:
        """Return what the far end has said so far, without waiting; TLS's own messages are not speech."""
        words = b""
        if not select.select([self._socket], [], [], 0)[0]:
            return words
        self._take()
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
            # One read gives one record; those that came together are heard together.
            while more := self._tls.read(65536):
                words += more
        return words

    def receive(self) -> bytes:
        """Return the next words of the far end; empty once it has closed."""
        try:
            return self._until_enough(lambda: self._tls.read(4096))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def _until_enough(self, step: Callable[[], T]) -> T:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                self._take()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        self._socket.sendall(self._outgoing.read())

    def _take(self) -> None:
        received = self._socket.recv(65536)
        if received:
            self._incoming.write(received)
        else:
            self._incoming.write_eof()
