"""A card in a virtual reader: what vpcd powers up, and the record of all that it was sent."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Mapping

# The two slots of vpcd listen here, as Debian configures it.
PORTS = (35963, 35964)
_POWER_OFF, _POWER_ON, _RESET, _GET_ATR = 0, 1, 2, 4
_FILE_NOT_FOUND = bytes.fromhex("6A82")


class VirtualCard:
    """A card that gives its ATR, answers the APDUs it was told of, refuses every other and remembers them all.

    vpcd sends a length on two bytes, then either one byte of control or an APDU.
    """

    def __init__(
        self,
        atr: bytes,
        port: int = PORTS[0],
        answers: Mapping[bytes, bytes] | Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._atr = atr
        self._answer = answers if callable(answers) else lambda apdu: (answers or {}).get(apdu, _FILE_NOT_FOUND)
        self.apdus: list[bytes] = []
        self.resets = 0
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def eject(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                (length,) = struct.unpack(">H", self._receive(2))
                message = self._receive(length)
                if length > 1:
                    self.apdus.append(message)
                    self._send(self._answer(message))
                elif message[0] == _GET_ATR:
                    self._send(self._atr)
                elif message[0] == _RESET:
                    self.resets += 1

    def _receive(self, length: int) -> bytes:
        received = b""
        while len(received) < length:
            chunk = self._socket.recv(length - len(received))
            if not chunk:
                raise EOFError
            received += chunk
        return received

    def _send(self, message: bytes) -> None:
        self._socket.sendall(struct.pack(">H", len(message)) + message)
