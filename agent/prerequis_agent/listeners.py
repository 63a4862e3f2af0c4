"""Reads which TCP ports are listened to on Linux, from /proc/net/tcp and /proc/net/tcp6 (proc(5))."""

from prerequis_agent.attributes import Attributes

LISTENER_FILES = ("/proc/net/tcp", "/proc/net/tcp6")
"""What is read; everyone may."""

_LISTEN = "0A"


def listened_ports(attributes: Attributes) -> frozenset[int] | None:
    """Return the ports that other machines can try, or None when the kernel does not say."""
    texts = [attributes.text(path) for path in LISTENER_FILES]
    if texts[0] is None:
        return None
    return frozenset(port for text in texts if text for port in parse_listeners(text))


def parse_listeners(text: str) -> frozenset[int]:
    """Return the ports listened to on an address other than the loopback."""
    lines = [line.split() for line in text.splitlines()[1:]]
    places = [line[1].split(":") for line in lines if len(line) > 3 and line[3] == _LISTEN and ":" in line[1]]
    return frozenset(int(port, 16) for address, port in places if not _is_loopback(address))


def _is_loopback(address: str) -> bool:
    # Each 32-bit word is written in the order of a little-endian machine: 127.0.0.1 is 0100007F.
    return address[-2:] == "7F" if len(address) == 8 else address == "00000000000000000000000001000000"
