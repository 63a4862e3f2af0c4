"""The check on the wire, in the only process that ever loads scapy (GPL-2.0-only): it asks twice, listens, and ends.

What it sends is what any machine sends that comes to the network: a request for a lease, of which it takes none up,
and a question whether its own address is used (RFC 5227). It scans nothing, and of what it hears keeps facts alone.
"""

import logging
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

from prerequis.v1.lan_pb2 import LanCheck
from prerequis_agent.child import Send
from prerequis_agent.errors import NotPermitted, ProbeError, Unsupported
from prerequis_agent.lan.frames import Shout, is_claimed, neighbour, offered_by, shout

if TYPE_CHECKING:
    from scapy.packet import Packet
    from scapy.supersocket import SuperSocket

QUESTIONS: tuple[float, ...] = (0.0, 2.0, 4.0)
"""When it asks, in seconds: what is lost once is asked again."""

ENOUGH_SECONDS = 12.0
"""Once a switch was heard, how long it listens at least: servers and shouting machines need their time too."""

_NO_SCAPY = (
    "La bibliothèque scapy manque : installer python3-scapy (Debian, Ubuntu), ou le paquet Python scapy, sur ce poste."
)
_NO_RIGHTS = "Écouter le câble demande les droits d'administrateur : relancer avec sudo ou en administrateur."
_NO_NPCAP = "Écouter le câble demande le pilote Npcap, qui n'est pas installé sur ce poste."
_NO_INTERFACE = "Il n'y a pas d'interface réseau « {} » active sur ce poste."

REFUSED, TOLD = b"\0", b"\1"
"""What the first byte of the child's message says: a sentence, or a LanCheck."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The child's work; it sends one message, whatever happens."""

    interface: str
    """Empty: the one that carries the default route."""
    seconds: float

    def __call__(self, send: Send) -> None:
        """Listen and send what was found, or the sentence that says why nothing can be heard."""
        try:
            check = self._listen()
        except ProbeError as problem:
            send(REFUSED + type(problem).__name__.encode() + b"\0" + str(problem).encode())
        else:
            send(TOLD + check.SerializeToString())

    def _listen(self) -> LanCheck:
        try:
            from scapy.config import conf

            # What opens the wire of each system, its routes and its frames, before the first second of listening is
            # counted; never scapy.all, which takes a second.
            for name in ("scapy.route", "scapy.arch", "scapy.layers.l2", "scapy.layers.dhcp"):
                import_module(name)
            # Its remarks on packets and interfaces are nothing for a technician.
            logging.getLogger("scapy").setLevel(logging.CRITICAL)
        except ImportError:
            raise Unsupported(_NO_SCAPY) from None
        interface = self.interface or str(conf.iface)
        try:
            wire = conf.L2socket(iface=interface, promisc=True)
        except PermissionError:
            raise NotPermitted(_NO_RIGHTS) from None
        except (OSError, RuntimeError, ValueError, ImportError):
            # Without Npcap scapy has a socket that only complains; without the interface the system does.
            raise Unsupported(_NO_NPCAP if sys.platform == "win32" else _NO_INTERFACE.format(interface)) from None
        try:
            return _Ear(wire, interface, self.seconds).listen()
        finally:
            wire.close()


@dataclass(slots=True)
class _Ear:
    """One listening, from the first question to the end."""

    wire: "SuperSocket"
    interface: str
    seconds: float
    check: LanCheck = field(default_factory=LanCheck)

    def listen(self) -> LanCheck:
        """Return what was heard; ends early once a switch and everybody else had their time."""
        from scapy.arch import get_if_addr, get_if_hwaddr
        from scapy.volatile import RandInt

        hardware = bytes.fromhex(get_if_hwaddr(self.interface).replace(":", ""))
        address, transaction = get_if_addr(self.interface), int(RandInt())
        servers: set[str] = set()
        self.check.checked_at.FromDatetime(datetime.now(UTC))
        self.check.duplicate_address = False
        self.check.llmnr_heard = self.check.netbios_heard = False
        started, asked = time.monotonic(), 0
        while (passed := time.monotonic() - started) < self.seconds:
            if passed > ENOUGH_SECONDS and self.check.HasField("switch_port"):
                break
            if asked < len(QUESTIONS) and passed >= QUESTIONS[asked]:
                asked += 1
                for question in _questions(hardware, address, transaction):
                    self.wire.send(question)
            frame = self._frame(0.25)
            if frame:
                self._note(frame, address, hardware)
                if server := offered_by(frame, transaction):
                    servers.add(server)
        self.check.listened_seconds = round(time.monotonic() - started, 1)
        self.check.dhcp_offers.addresses.extend(sorted(servers))
        self.check.dhcp_offers.SetInParent()
        if address == "0.0.0.0":  # noqa: S104 – an interface without an address, whose double nobody can be
            self.check.ClearField("duplicate_address")
        return self.check

    def _frame(self, timeout: float) -> bytes:
        if not self.wire.select([self.wire], timeout):
            return b""
        try:
            _, frame, _ = self.wire.recv_raw()
        except OSError:  # the interface went down and may come up again
            time.sleep(timeout)
            return b""
        return bytes(frame or b"")

    def _note(self, frame: bytes, address: str, hardware: bytes) -> None:
        switch = neighbour(frame)
        if switch and frame[6:12] != hardware:
            self.check.switch_port.CopyFrom(switch)
        if is_claimed(frame, address, hardware):
            self.check.duplicate_address = True
        match shout(frame, hardware):
            case Shout.LLMNR:
                self.check.llmnr_heard = True
            case Shout.NETBIOS:
                self.check.netbios_heard = True


def _questions(hardware: bytes, address: str, transaction: int) -> "list[Packet]":
    """Return a request for a lease, answered to everybody, and the question who uses this machine's address."""
    from scapy.layers.dhcp import BOOTP, DHCP
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import ARP, Ether

    everybody = Ether(src=hardware, dst="ff:ff:ff:ff:ff:ff")
    discover = (
        everybody
        / IP(src="0.0.0.0", dst="255.255.255.255")  # noqa: S104 – what has no address yet says so
        / UDP(sport=68, dport=67)
        / BOOTP(chaddr=hardware, xid=transaction, flags=0x8000)
        / DHCP(options=[("message-type", "discover"), ("param_req_list", [1, 3, 6]), "end"])
    )
    probe = everybody / ARP(op=1, hwsrc=hardware, psrc="0.0.0.0", pdst=address)  # noqa: S104 – RFC 5227, 2.1.1
    return [discover, probe]
