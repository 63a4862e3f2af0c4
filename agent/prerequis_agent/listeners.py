"""Reads which ports are listened to on Linux, from /proc/net/tcp, /proc/net/udp and their IPv6 twins (proc(5))."""

from prerequis_agent.attributes import Attributes

LISTENER_FILES = ("/proc/net/tcp", "/proc/net/tcp6")
"""What is read; everyone may."""

UDP_LISTENER_FILES = ("/proc/net/udp", "/proc/net/udp6")
"""What is read for UDP; everyone may."""

# The states of a TCP socket that listens, and of a UDP socket that has no peer.
_LISTEN, _UNCONNECTED = "0A", "07"


def listened_ports(attributes: Attributes) -> frozenset[int] | None:
    """Return the ports that other machines can try, or None when the kernel does not say."""
    return _ports(attributes, LISTENER_FILES, _LISTEN)


def listened_udp_ports(attributes: Attributes) -> frozenset[int] | None:
    """Return the UDP ports that take datagrams from other machines, or None when the kernel does not say."""
    return _ports(attributes, UDP_LISTENER_FILES, _UNCONNECTED)


def _ports(attributes: Attributes, files: tuple[str, ...], state: str) -> frozenset[int] | None:
    texts = [attributes.shared_text(path) for path in files]
    if texts[0] is None:
        return None
    return frozenset(port for text in texts if text for port in parse_listeners(text, state))


def parse_listeners(text: str, state: str = _LISTEN) -> frozenset[int]:
    """Return the ports of the sockets in a state, on an address other than the loopback."""
    lines = [line.split() for line in text.splitlines()[1:]]
    places = [line[1].split(":") for line in lines if len(line) > 3 and line[3] == state and ":" in line[1]]
    return frozenset(int(port, 16) for address, port in places if not _is_loopback(address))


def _is_loopback(address: str) -> bool:
    # Each 32-bit word is written in the order of a little-endian machine: 127.0.0.1 is 0100007F.
    return address[-2:] == "7F" if len(address) == 8 else address == "00000000000000000000000001000000"
