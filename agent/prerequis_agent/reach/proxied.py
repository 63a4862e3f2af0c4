"""The system's Web proxy: where it is, and a connection through it (CONNECT, RFC 9110, 9.3.6)."""

import base64
import http.client
import importlib
import re
import socket
import time
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from prerequis_agent.attempt import attempt
from prerequis_agent.host import Host
from prerequis_agent.surroundings import Target

_DEFAULT_PORT = 8080
_FOUND_NOBODY = frozenset({http.client.BAD_GATEWAY, http.client.SERVICE_UNAVAILABLE, http.client.GATEWAY_TIMEOUT})


class ProxyUnreachable(Exception):
    """The proxy does not answer."""


class ProxyRefused(Exception):
    """The proxy answers and does not pass on."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status

    @property
    def found_nobody(self) -> bool:
        """Whether it says that the host did not answer, rather than that it forbids it."""
        return self.status in _FOUND_NOBODY


@dataclass(frozen=True, slots=True)
class WebProxy:
    """A proxy and, when the system keeps them with its address, the words that open it."""

    host: str
    port: int
    authorization: str = ""
    """The value of Proxy-Authorization; never reported."""

    @property
    def headers(self) -> dict[str, str]:
        """What a request to it carries."""
        return {"Proxy-Authorization": self.authorization} if self.authorization else {}

    def connect(self, host: Host, timeout: float) -> socket.socket:
        """Return a connection to the proxy itself; raises ProxyUnreachable."""
        try:
            return host.connect(host.resolve(self.host, self.port, timeout), self.port, timeout)
        except (OSError, UnicodeError) as problem:
            raise ProxyUnreachable from problem


def parse_proxy(text: str) -> WebProxy | None:
    """Return the proxy that a setting names, `http://user:word@host:port` or `host:port`; None when it names none."""
    try:
        address = urlsplit(text if "://" in text else f"http://{text}")
        host, port = address.hostname, address.port
    except ValueError:
        return None
    if not host or not re.fullmatch(r"[\w.:%-]+", host):
        return None
    authorization = ""
    if address.username:
        words = f"{unquote(address.username)}:{unquote(address.password or '')}"
        authorization = f"Basic {base64.b64encode(words.encode()).decode()}"
    return WebProxy(host, port or _DEFAULT_PORT, authorization)


def proxy_for(host: Host, target: Target, scheme: str) -> WebProxy | None:
    """Return the proxy through which the system would reach a target by `http` or `https`; None: directly."""
    setting = host.web_proxy(target.host, scheme)
    return parse_proxy(setting) if setting else None


def is_chosen_by_script(host: Host) -> bool:
    """Return whether a script (PAC), which is not run, is set to choose the proxy of browsers."""
    # By name: probes know nothing of each other, and what this one sees here is what it sees in a scan.
    probe = importlib.import_module("prerequis_agent.probes.proxy").PROBE
    return attempt(probe, host, time.thread_time)[0].proxy.automatic_script


def through(host: Host, proxy: WebProxy, target: Target, timeout: float) -> socket.socket:
    """Return a connection to the target through the proxy; raises ProxyUnreachable, ProxyRefused and OSError."""
    connection = proxy.connect(host, timeout)
    try:
        status = _connect(connection, proxy, target)
    except BaseException:
        connection.close()
        raise
    if not 200 <= status < 300:
        connection.close()
        raise ProxyRefused(status)
    return connection


def place_of(target: Target) -> str:
    """Return host:port as a request names it (RFC 9110, 7.2); raises UnicodeError for what is no name."""
    name = f"[{target.host}]" if ":" in target.host else target.host.encode("idna").decode()
    return f"{name}:{target.port}"


def _connect(connection: socket.socket, proxy: WebProxy, target: Target) -> int:
    place = place_of(target)
    headers = {"Host": place, **proxy.headers}
    lines = [f"CONNECT {place} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items()), ""]
    connection.sendall("".join(f"{line}\r\n" for line in lines).encode("ascii"))
    # The far end of a tunnel does not speak first: nothing of TLS is taken into the answer's buffer.
    answer = http.client.HTTPResponse(connection, method="CONNECT")
    try:
        answer.begin()
    except http.client.HTTPException as problem:
        raise ProxyUnreachable from problem
    return answer.status
