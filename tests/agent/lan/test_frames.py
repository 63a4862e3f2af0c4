"""What frames say: any bytes are survived, and what matters is read of those that scapy crafts."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prerequis.v1.lan_pb2 import SwitchPort
from prerequis_agent.lan.frames import Shout, is_claimed, neighbour, offered_by, shout

MINE, OTHER = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
ADDRESS = "192.0.2.7"
LLDP_HEAD = bytes.fromhex("0180c200000e") + OTHER + bytes.fromhex("88cc")
CDP_HEAD = (
    bytes.fromhex("01000ccccccc") + OTHER + struct.pack("!H", 40) + bytes.fromhex("aaaa0300000c2000") + b"\2\xb4\0\0"
)


def tlv(kind: int, value: bytes) -> bytes:
    return (kind << 9 | len(value)).to_bytes(2, "big") + value


def cdp(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value) + 4) + value


NAMED = SwitchPort(protocol=SwitchPort.LLDP, port="Gi1/0/12")
REQUIRED = tlv(1, b"\4" + OTHER) + tlv(2, b"\5Gi1/0/12") + tlv(3, b"\0\x78")


def ipv4(payload: bytes, source: int, destination: int, tag: bytes = b"") -> bytes:
    head = b"\xff" * 6 + OTHER + tag + b"\x08\x00"
    packet = bytes([0x45, 0, *struct.pack("!H", 28 + len(payload)), 0, 0, 0, 0, 64, 17]) + bytes(10)
    return head + packet + struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload


def dhcp(options: bytes, transaction: int = 7) -> bytes:
    return b"\2\1\6\0" + transaction.to_bytes(4, "big") + bytes(228) + bytes.fromhex("63825363") + options


OFFER = b"\x35\1\2" + b"\x36\4\xc0\0\2\1" + b"\xff"
ARP = bytes.fromhex("ffffffffffff") + OTHER + bytes.fromhex("08060001080006040002") + OTHER
CLAIM = ARP + bytes([192, 0, 2, 7]) + MINE + bytes([192, 0, 2, 7])


def test_a_switch_is_known_by_its_port_vlan_and_model() -> None:
    frame = (
        LLDP_HEAD + REQUIRED + tlv(127, bytes.fromhex("0080c201002a")) + tlv(6, "Modèle X\nv2".encode()) + tlv(0, b"")
    )
    assert neighbour(frame) == SwitchPort(protocol=SwitchPort.LLDP, port="Gi1/0/12", vlan=42, model="Modèle X")
    frame = CDP_HEAD + cdp(1, b"name") + cdp(3, b"Fa0/1") + cdp(6, b"WS-C2960") + cdp(10, b"\0\x14")
    assert neighbour(frame) == SwitchPort(protocol=SwitchPort.CDP, port="Fa0/1", vlan=20, model="WS-C2960")


@pytest.mark.parametrize(
    ("frame", "port"),
    [
        (LLDP_HEAD + REQUIRED.replace(b"\5Gi1/0/12", b"\3Gi1/0/12"), SwitchPort(protocol=SwitchPort.LLDP)),
        (LLDP_HEAD + tlv(1, b"\4" + OTHER) + tlv(2, b"\5Gi1"), None),
        (LLDP_HEAD + REQUIRED + tlv(127, bytes.fromhex("0080c2010000")), NAMED),
        (LLDP_HEAD + REQUIRED + b"\x0d\xffshort", NAMED),
        (CDP_HEAD + b"\0\3\0\0" * 4, None),
        (CDP_HEAD, None),
        (CDP_HEAD.replace(bytes.fromhex("0c2000"), bytes.fromhex("0c2004")) + cdp(3, b"Fa0/1"), None),
        (b"", None),
    ],
    ids=["address as name", "life missing", "no vlan", "cut", "no length", "nothing", "vtp", "empty"],
)  # fmt: skip
def test_what_is_not_told_is_not_guessed(frame: bytes, port: SwitchPort | None) -> None:
    assert neighbour(frame) == port


def test_an_offer_counts_in_its_own_transaction_alone() -> None:
    assert offered_by(ipv4(dhcp(OFFER), 67, 68), 7) == "192.0.2.1"
    assert offered_by(ipv4(dhcp(b"\0\0" + OFFER), 67, 68), 7) == "192.0.2.1"
    assert offered_by(ipv4(dhcp(OFFER), 67, 68, tag=b"\x81\0\0\x0a"), 7) == "192.0.2.1"
    assert offered_by(ipv4(dhcp(OFFER), 67, 68), 8) is None
    assert offered_by(ipv4(dhcp(OFFER), 68, 67), 7) is None
    assert offered_by(ipv4(dhcp(OFFER.replace(b"\x35\1\2", b"\x35\1\5")), 67, 68), 7) is None
    assert offered_by(ipv4(dhcp(b"\x35\1\2\xff"), 67, 68), 7) is None


def test_an_address_is_claimed_by_another_machine_alone() -> None:
    assert is_claimed(CLAIM, ADDRESS, MINE)
    assert not is_claimed(CLAIM, ADDRESS, OTHER)
    assert not is_claimed(CLAIM, "192.0.2.8", MINE)
    assert not is_claimed(CLAIM[:40], ADDRESS, MINE)


def test_a_shout_is_a_question_of_another_machine() -> None:
    question, answer = b"\0\1\0\0" + bytes(8), b"\0\1\x80\0" + bytes(8)
    assert shout(ipv4(question, 50000, 5355), MINE) is Shout.LLMNR
    assert shout(ipv4(question, 137, 137), MINE) is Shout.NETBIOS
    assert shout(ipv4(question, 50000, 5355), OTHER) is None
    assert shout(ipv4(answer, 50000, 5355), MINE) is None
    assert shout(ipv4(question, 50000, 53), MINE) is None
    ipv6 = b"\x33\x33\0\1\0\3" + OTHER + b"\x86\xdd" + b"\x60\0\0\0\0\x14\x11\1" + bytes(32)
    assert shout(ipv6 + struct.pack("!HHHH", 50000, 5355, 20, 0) + question, MINE) is Shout.LLMNR


HEADS = st.sampled_from([LLDP_HEAD, CDP_HEAD, ARP, ipv4(b"", 67, 68), ipv4(b"", 67, 68, b"\x81\0\0\1"), b""])


@given(HEADS, st.binary(max_size=600))
@example(LLDP_HEAD, b"\xff" * 600)
@example(CDP_HEAD, b"\0\3\0\4" * 150)
def test_any_bytes_are_read_or_passed_over(head: bytes, rest: bytes) -> None:
    frame = head + rest
    port = neighbour(frame)
    assert port is None or port.ByteSize() < 400
    assert offered_by(frame, 7) is None or len(frame) > 240
    assert isinstance(is_claimed(frame, ADDRESS, MINE), bool)
    assert shout(frame, MINE) in (None, Shout.LLMNR, Shout.NETBIOS)


@given(st.text(max_size=200))
def test_a_name_that_leaves_can_be_printed_and_is_short(name: str) -> None:
    frame = LLDP_HEAD + tlv(1, b"\4" + OTHER) + tlv(2, b"\5" + name.encode()[:400]) + tlv(3, b"\0\x78")
    port = neighbour(frame)
    assert port is not None
    assert port.port.isprintable()
    assert len(port.port) <= 64
