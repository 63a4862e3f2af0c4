"""What frames heard on the wire say: bytes in, facts out, whatever the bytes.

Read here rather than by scapy's dissectors: anybody on the network may write what is heard by a process with rights,
and three lists of lengths and values need no library. No hardware address and no name of a switch leaves this module.
"""

import ipaddress
import struct
from collections.abc import Iterator
from enum import Enum

from prerequis.v1.lan_pb2 import SwitchPort

_HEADER = 14
_LLDP, _ARP, _IPV4, _IPV6, _TAGGED = 0x88CC, 0x0806, 0x0800, 0x86DD, 0x8100
# Cisco's multicast, then LLC/SNAP with Cisco's organisation and protocol 0x2000, version, life and checksum.
_CDP_DESTINATION = bytes.fromhex("01000ccccccc")
_CDP_SNAP = bytes.fromhex("aaaa0300000c2000")
_CDP_FIRST = _HEADER + len(_CDP_SNAP) + 4
_UDP = 17
_DHCP_PORTS = struct.pack("!HH", 67, 68)
_DHCP_MAGIC = bytes.fromhex("63825363")
_DHCP_FIRST = 236
_OFFER = 2
_LLMNR_PORT, _NETBIOS_PORT = 5355, 137

# The TLV of IEEE 802.1 that names the untagged VLAN of a port (802.1Q, annex D): organisation, subtype.
_PORT_VLAN = bytes.fromhex("0080c201")
_LARGEST_VLAN = 4094
# Subtypes of a port's name that are an address (802.1AB, 8.5.3.2).
_PORT_ADDRESSES = (3, 4)
_LONGEST = 64


class Shout(Enum):
    """A question for a name that goes to every machine of the network."""

    LLMNR = "LLMNR"
    NETBIOS = "NetBIOS"


def neighbour(frame: bytes) -> SwitchPort | None:
    """Return what a switch says of its port by LLDP (IEEE 802.1AB) or CDP; None of any other frame."""
    frame = _untagged(frame)
    if _type(frame) == _LLDP:
        return _lldp(frame[_HEADER:])
    if frame[:6] == _CDP_DESTINATION and frame[_HEADER : _HEADER + len(_CDP_SNAP)] == _CDP_SNAP:
        return _cdp(frame[_CDP_FIRST:])
    return None


def offered_by(frame: bytes, transaction: int) -> str | None:
    """Return the address of the server that offers a lease in this transaction (RFC 2131); None of any other frame."""
    payload = _udp(frame, _DHCP_PORTS)
    if len(payload) < _DHCP_FIRST + 4 or payload[4:8] != transaction.to_bytes(4, "big"):
        return None
    if payload[_DHCP_FIRST : _DHCP_FIRST + 4] != _DHCP_MAGIC:
        return None
    options = dict(_options(payload[_DHCP_FIRST + 4 :]))
    server = options.get(54, b"")
    if options.get(53) != bytes([_OFFER]) or len(server) != 4:
        return None
    return str(ipaddress.IPv4Address(server))


def is_claimed(frame: bytes, address: str, hardware: bytes) -> bool:
    """Return whether the frame is another machine's ARP for an IPv4 address that this one uses (RFC 5227)."""
    frame = _untagged(frame)
    arp = frame[_HEADER : _HEADER + 28]
    if _type(frame) != _ARP or len(arp) < 28 or arp[:6] != bytes.fromhex("000108000604"):
        return False
    return arp[14:18] == ipaddress.IPv4Address(address).packed and arp[8:14] != hardware


def shout(frame: bytes, hardware: bytes) -> Shout | None:
    """Return how another machine shouts for a name in this frame; None of any other frame."""
    if frame[6:12] == hardware:
        return None
    frame = _untagged(frame)
    for port, kind in ((_LLMNR_PORT, Shout.LLMNR), (_NETBIOS_PORT, Shout.NETBIOS)):
        # The highest bit of the flags tells an answer from a question (RFC 4795, 2.1.1; RFC 1002, 4.2.1.1).
        payload = _udp(frame, port.to_bytes(2, "big"), at=2)
        if len(payload) >= 12 and not payload[2] & 0x80:
            return kind
    return None


def _untagged(frame: bytes) -> bytes:
    return frame[:12] + frame[16:] if frame[12:14] == _TAGGED.to_bytes(2, "big") else frame


def _type(frame: bytes) -> int:
    return int.from_bytes(frame[12:14], "big") if len(frame) >= _HEADER else 0


def _udp(frame: bytes, ports: bytes, at: int = 0) -> bytes:
    """Return what a datagram carries whose header has these ports at this place; empty of any other frame."""
    frame = _untagged(frame)
    packet = frame[_HEADER:]
    kind = _type(frame)
    if kind == _IPV4 and len(packet) >= 20 and packet[9] == _UDP and not int.from_bytes(packet[6:8], "big") & 0x1FFF:
        datagram = packet[4 * (packet[0] & 0x0F) :]
    elif kind == _IPV6 and len(packet) >= 40 and packet[6] == _UDP:
        datagram = packet[40:]
    else:
        return b""
    return datagram[8:] if datagram[at : at + len(ports)] == ports else b""


def _options(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the options of a DHCP message (RFC 2132): a code, a length, that many bytes."""
    place = 0
    while place < len(content) and content[place] != 255:
        if content[place] == 0:
            place += 1
            continue
        if place + 1 >= len(content):
            return
        length = content[place + 1]
        yield content[place], content[place + 2 : place + 2 + length]
        place += 2 + length


def _lldp(content: bytes) -> SwitchPort | None:
    """Read TLVs of seven bits of type and nine of length; None where the three that are required are not there."""
    port = SwitchPort(protocol=SwitchPort.LLDP)
    seen, place = set[int](), 0
    while place + 2 <= len(content):
        head = int.from_bytes(content[place : place + 2], "big")
        kind, length = head >> 9, head & 0x1FF
        value = content[place + 2 : place + 2 + length]
        if kind == 0 or len(value) < length:
            break
        seen.add(kind)
        if kind == 2 and value and value[0] not in _PORT_ADDRESSES and (name := _text(value[1:])):
            port.port = name
        elif kind == 6 and (model := _text(value)):
            port.model = model
        elif kind == 127 and value[:4] == _PORT_VLAN and len(value) == 6:
            _set_vlan(port, value[4:6])
        place += 2 + length
    return port if {1, 2, 3} <= seen else None


def _cdp(content: bytes) -> SwitchPort | None:
    """Read TLVs of two bytes of type and two of length, which counts these four; None where there is none."""
    port = SwitchPort(protocol=SwitchPort.CDP)
    place = 0
    while place + 4 <= len(content):
        kind, length = struct.unpack_from("!HH", content, place)
        if length < 4:
            break
        value = content[place + 4 : place + length]
        if kind == 0x0003 and (name := _text(value)):
            port.port = name
        elif kind == 0x0006 and (model := _text(value)):
            port.model = model
        elif kind == 0x000A and len(value) == 2:
            _set_vlan(port, value)
        place += length
    return port if place else None


def _set_vlan(port: SwitchPort, value: bytes) -> None:
    vlan = int.from_bytes(value, "big")
    # 0 says that the port has none.
    if 0 < vlan <= _LARGEST_VLAN:
        port.vlan = vlan


def _text(value: bytes) -> str:
    """Return the first line of a text that a person can read."""
    lines = value.decode("utf-8", "replace").splitlines()
    line = "".join(char for char in (lines[0] if lines else "") if char.isprintable())
    return line.strip()[:_LONGEST]
