"""Observes the size of the main screen, in its own pixels whatever the scaling."""

import plistlib
import re
from xml.parsers.expat import ExpatError

from prerequis.v1.exposure_pb2 import Screen
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

_CARDS = "/sys/class/drm"
_FRAME_BUFFER = "/sys/class/graphics/fb0/virtual_size"
# A connector of a graphics card: card0-HDMI-A-1.
_CONNECTOR = re.compile(r"card\d+-.+")
_SIZE = re.compile(r"(\d{2,5})\s*[x,×]\s*(\d{2,5})")

Size = tuple[int, int]


def parse_size(text: str) -> Size | None:
    """Return the width and height that begin a text such as `1920x1080` or `1920,1080`, or None."""
    found = _SIZE.match(text)
    return (int(found[1]), int(found[2])) if found else None


def parse_displays(content: bytes) -> Size | None:
    """Return the main screen of `system_profiler -xml SPDisplaysDataType`, None without a screen.

    Raises ParseError when the answer has another form.
    """
    try:
        displays = [
            display
            for report in plistlib.loads(content)
            for card in report["_items"]
            for display in card.get("spdisplays_ndrvs", [])
        ]
        displays.sort(key=lambda display: display.get("spdisplays_main") != "spdisplays_yes")
        sizes = [parse_size(str(display["_spdisplays_pixels"])) for display in displays]
    except (plistlib.InvalidFileException, ExpatError, KeyError, TypeError, ValueError, AttributeError):
        raise ParseError("system_profiler ne décrit pas les écrans sous la forme attendue.") from None
    return next(iter(sizes), None)


def observe(host: Host) -> Observation:
    """Return the screen's size, nothing where there is none; raises Unsupported when the system does not tell."""
    if host.platform == "linux":
        size = _of_linux(Attributes(host))
    elif host.platform == "win32":
        size = _of_windows(host)
    elif host.platform == "darwin":
        size = parse_displays(host.run("system_profiler", "-xml", "SPDisplaysDataType").stdout.encode())
    else:
        raise Unsupported("L'écran n'est pas relevé sur ce système.")
    if size is None:
        return Observation(Screen(), "Aucun écran n'est branché.")
    return Observation(Screen(width_pixels=size[0], height_pixels=size[1]))


def _of_linux(attributes: Attributes) -> Size | None:
    connectors = attributes.names(_CARDS)
    for name in filter(_CONNECTOR.fullmatch, connectors or []):
        base = f"{_CARDS}/{name}"
        if attributes.text(f"{base}/status") == "connected" and attributes.text(f"{base}/enabled") == "enabled":
            # The kernel lists the mode that the screen prefers first: that of its own pixels.
            size = parse_size(attributes.text(f"{base}/modes") or "")
            if size is not None:
                return size
    size = parse_size(attributes.text(_FRAME_BUFFER) or "")
    if size is None and connectors is None:
        raise attributes.absence("son écran")
    return size


def _of_windows(host: Host) -> Size | None:
    try:
        screen = host.win32().screen_size()
    except Unsupported:
        # A service has no screen, but the graphics card says what it draws.
        properties = ("CurrentHorizontalResolution", "CurrentVerticalResolution")
        for card in host.cim("root/cimv2", "Win32_VideoController", *properties):
            width, height = (card[name] for name in properties)
            if isinstance(width, int) and isinstance(height, int) and width and height:
                return width, height
        return None
    return screen.width, screen.height


PROBE = Probe(
    name="screen",
    observe=observe,
    about="Taille de l'écran ; jamais ce qu'il montre.",
    reads=(*(f"{_CARDS}/*/{name}" for name in ("enabled", "modes", "status")), _FRAME_BUFFER),
    commands=("system_profiler",),
    cim=("root/cimv2:Win32_VideoController",),
    win32=("screen_size",),
)
