"""speedtest-cli over the Internet, in a process of its own: a cross-check that a person asked for, never the verdict.

It asks a third party's servers, which learn this machine's address; what they tell of it (place, provider) is dropped
here. The library is not loaded in the agent's own process.
"""

import importlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prerequis.v1.facts_pb2 import LineCrossCheck
from prerequis.v1.line_pb2 import SPEEDTEST_CLI
from prerequis_agent import child
from prerequis_agent.errors import ParseError, TimedOut, Unsupported
from prerequis_agent.host import Host

PATIENCE_SECONDS = 60.0
SENTINEL_SECONDS = 30.0
"""A probe that is redirected counts as 3600 s, so that the mean of some is hours: no line has such a delay."""

_RENEWAL_SECONDS = 10.0
_MISSING, _FORBIDDEN, _UNREACHABLE, _OTHER = "missing", "forbidden", "unreachable", "other"
_SENTENCES = {
    _MISSING: "speedtest-cli n'est pas installé : installer le paquet Python speedtest-cli.",
    _FORBIDDEN: "speedtest.net refuse les mesures de ce programme (403) : mesurer depuis un navigateur.",
    _UNREACHABLE: "speedtest.net est injoignable depuis ce poste : vérifier l'accès à Internet et le mandataire.",
    _OTHER: "speedtest-cli n'a rien mesuré : ses serveurs ont répondu autrement qu'il ne l'attend.",
}


def cross_check(host: Host, renew: Callable[[], None] = lambda: None) -> LineCrossCheck:
    """Return its figures, calling `renew` from time to time; raises ProbeError with a French sentence."""
    host.psutil()  # of a live machine only
    # Threads run by now, and gRPC's: a fork would not be safe.
    process = child.start(Work(), forking=False)
    limit = time.perf_counter() + PATIENCE_SECONDS
    try:
        while time.perf_counter() < limit:
            message = process.receive(_RENEWAL_SECONDS)
            if message is not None:
                return parse(message.decode())
            renew()
    except EOFError:
        raise Unsupported(_SENTENCES[_OTHER]) from None
    finally:
        process.end()
    raise TimedOut(f"speedtest-cli n'a pas fini en {PATIENCE_SECONDS:g} s.")


@dataclass(frozen=True, slots=True)
class Work:
    """What the child does."""

    def __call__(self, send: child.Send) -> None:
        """Measure, and send figures or the kind of problem as JSON."""
        try:
            library: Any = importlib.import_module("speedtest")
        except ImportError:
            send(json.dumps({"problem": _MISSING}).encode())
            return
        try:
            test = library.Speedtest(secure=True)
            test.get_best_server()
            # The download first: it is what gives the upload its eight threads.
            down = test.download()
            up = test.upload(pre_allocate=False)
            told = {"down": down, "up": up, "ping": test.results.ping}
        except library.SpeedtestException as problem:
            told = {"problem": kind_of(str(problem))}
        except OSError:
            told = {"problem": _UNREACHABLE}
        send(json.dumps(told).encode())


def kind_of(problem: str) -> str:
    """Return which problem the library's words are about."""
    if "403" in problem or "429" in problem:
        return _FORBIDDEN
    return _UNREACHABLE if "urlopen" in problem or "Errno" in problem or "resolution" in problem else _OTHER


def parse(text: str) -> LineCrossCheck:
    """Return the figures that the child sent; a delay that no line has is dropped. Raises Unsupported, ParseError."""
    try:
        told: Any = json.loads(text)
        if "problem" in told:
            raise Unsupported(_SENTENCES.get(str(told["problem"]), _SENTENCES[_OTHER]))
        down, up, ping = float(told["down"]), float(told["up"]), float(told["ping"]) / 1000
    except (ValueError, KeyError, TypeError):
        raise ParseError("speedtest-cli ne répond pas sous la forme attendue.") from None
    if not (0 < down < float("inf") and 0 < up < float("inf")):
        raise Unsupported(_SENTENCES[_OTHER])
    found = LineCrossCheck(tool=SPEEDTEST_CLI, down_bits_per_second=down, up_bits_per_second=up)
    if 0 < ping < SENTINEL_SECONDS:
        found.rtt_seconds = ping
    return found
