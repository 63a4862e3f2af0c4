"""iperf3, where it is installed and somebody serves it: the reference of the trade, without TLS or any right to ask."""

import json
from typing import Any

from prerequis.v1.facts_pb2 import LineCrossCheck
from prerequis.v1.line_pb2 import IPERF3
from prerequis_agent.config import split_address
from prerequis_agent.errors import ConfigurationError, ParseError, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.line.method import STREAMS

PORT = 5201
SECONDS = 5
_SLOW_START_SECONDS = 1
_PATIENCE_SECONDS = 10.0


def cross_check(host: Host, server: str) -> LineCrossCheck:
    """Return the rates towards `host` or `host:port`; raises ProbeError with a French sentence."""
    try:
        name, port = split_address(server) if ":" in server else (server, PORT)
    except ConfigurationError as problem:
        raise Unsupported(str(problem)) from problem
    if name.startswith("-"):
        raise Unsupported(f"« {server} » n'est pas le nom d'un serveur iperf3.")
    down, up = (_run(host, name, port, reverse=reverse) for reverse in (True, False))
    found = LineCrossCheck(tool=IPERF3, down_bits_per_second=down[0], up_bits_per_second=up[0])
    if up[1] is not None:
        found.rtt_seconds = up[1]
    return found


def _run(host: Host, name: str, port: int, *, reverse: bool) -> tuple[float, float | None]:
    answer = host.run(
        "iperf3", "-c", name, "-p", str(port), "-J", "-t", str(SECONDS), "-O", str(_SLOW_START_SECONDS),
        "-P", str(STREAMS), *(["-R"] if reverse else []),
        timeout=SECONDS + _SLOW_START_SECONDS + _PATIENCE_SECONDS,
    )  # fmt: skip
    return parse(answer.stdout, f"{name}:{port}")


def parse(text: str, server: str) -> tuple[float, float | None]:
    """Return bits per second as counted where they arrived, and the least round trip that the sender saw, in seconds.

    `text` is what `iperf3 -J` wrote. Raises Unsupported when it measured nothing, ParseError on another form.
    """
    try:
        told: Any = json.loads(text)
        problem = told.get("error")
        if problem:
            raise Unsupported(_sentence(str(problem), server))
        rate = float(told["end"]["sum_received"]["bits_per_second"])
        trips = [stream["sender"].get("min_rtt") for stream in told["end"].get("streams", []) if "sender" in stream]
        least = min((float(trip) / 1e6 for trip in trips if trip), default=None)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ParseError("iperf3 ne répond pas sous la forme attendue.") from None
    if not 0 <= rate < float("inf"):
        raise ParseError("iperf3 donne un débit impossible.")
    return rate, least


def _sentence(problem: str, server: str) -> str:
    # iperf3 is not translated; these two words have stood since its first version.
    if "busy" in problem:
        return f"Le serveur iperf3 {server} sert un autre poste : relancer dans une minute."
    if "connect" in problem or "refused" in problem:
        return f"Le serveur iperf3 {server} est injoignable : vérifier qu'il est lancé et ouvert dans le pare-feu."
    return f"iperf3 n'a rien mesuré vers {server}."
