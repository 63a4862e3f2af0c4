"""The far end of a cable, which a story gives a switch, servers and neighbours, with packets that scapy crafts."""

import sys
import time

from scapy.config import conf
from scapy.contrib.cdp import CDPMsgDeviceID, CDPMsgNativeVLAN, CDPMsgPlatform, CDPMsgPortID, CDPv2_HDR
from scapy.contrib.lldp import (
    LLDPDUChassisID,
    LLDPDUEndOfLLDPDU,
    LLDPDUGenericOrganisationSpecific,
    LLDPDUPortID,
    LLDPDUSystemDescription,
    LLDPDUSystemName,
    LLDPDUTimeToLive,
)
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, LLC, SNAP, Dot3, Ether
from scapy.layers.llmnr import LLMNRQuery
from scapy.packet import Packet
from scapy.supersocket import SuperSocket

SWITCH = "02:00:00:00:00:99"


def lldp() -> Packet:
    return (
        Ether(src=SWITCH, dst="01:80:c2:00:00:0e", type=0x88CC)
        / LLDPDUChassisID(subtype=4, id=SWITCH)
        / LLDPDUPortID(subtype=5, id="GigabitEthernet1/0/12")
        / LLDPDUTimeToLive(ttl=120)
        / LLDPDUSystemName(system_name="sw-rdc-infirmerie")
        / LLDPDUSystemDescription(description="Switch 24 ports\nversion 1.2")
        / LLDPDUGenericOrganisationSpecific(org_code=0x0080C2, subtype=1, data=b"\x00\x2a")
        / LLDPDUEndOfLLDPDU()
    )


def cdp() -> Packet:
    return (
        Dot3(src=SWITCH, dst="01:00:0c:cc:cc:cc")
        / LLC(dsap=0xAA, ssap=0xAA, ctrl=3)
        / SNAP(OUI=0x0C, code=0x2000)
        / CDPv2_HDR(
            msg=[
                CDPMsgDeviceID(val="sw-rdc-infirmerie"),
                CDPMsgPortID(iface="FastEthernet0/3"),
                CDPMsgPlatform(val="cisco WS-C2960-24TT-L"),
                CDPMsgNativeVLAN(vlan=20),
            ]
        )
    )


def offer(request: Packet, server: str) -> Packet:
    return (
        Ether(src=SWITCH, dst="ff:ff:ff:ff:ff:ff")
        / IP(src=server, dst="255.255.255.255")
        / UDP(sport=67, dport=68)
        / BOOTP(op=2, xid=request[BOOTP].xid, yiaddr="10.9.0.50", chaddr=request[BOOTP].chaddr)
        / DHCP(options=[("message-type", "offer"), ("server_id", server), "end"])
    )


def llmnr() -> Packet:
    return (
        Ether(src=SWITCH, dst="01:00:5e:00:00:fc")
        / IP(src="10.9.0.77", dst="224.0.0.252", ttl=1)
        / UDP(sport=50000, dport=5355)
        / LLMNRQuery(id=1, qd=[])
    )


def answers(request: Packet, story: str) -> list[Packet]:
    if DHCP in request and story in ("everything", "two servers"):
        return [offer(request, "10.9.0.1"), offer(request, "10.9.0.254")]
    if ARP in request and request[ARP].pdst == "10.9.0.2" and story == "everything":
        return [
            Ether(src=SWITCH, dst=request.src)
            / ARP(op=2, hwsrc=SWITCH, psrc="10.9.0.2", hwdst=request.src, pdst="10.9.0.2")
        ]
    return []


def speak(far: SuperSocket, story: str) -> None:
    spoken = {"everything": [lldp(), llmnr()], "cisco": [cdp()]}.get(story, [])
    next_time = time.monotonic()
    while True:
        if time.monotonic() >= next_time:
            next_time += 0.3
            for packet in spoken:
                far.send(packet)
        if far.select([far], 0.1):
            request = far.recv()
            for packet in answers(request, story) if request else []:
                far.send(packet)


if __name__ == "__main__":
    wire = conf.L2socket(iface="far", promisc=True)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    speak(wire, sys.argv[1])
