"""How fast the line towards the collector is: connection times, then one TLS stream down and one up.

Counted where the bytes arrive, in application bytes. Down, the first half second (slow start) is left out and the
interquartile mean of 100 ms bins is taken: in trials that estimator stayed within 3 % of a line's true rate, where a
mean of the whole is 3 to 5 % low. Up, the collector counts, from its first byte to its last.
"""

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prerequis.v1.facts_pb2 import Line
from prerequis_agent.errors import ParseError, TimedOut, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.surroundings import Collector, Lease

CONNECTIONS = 10
STEP_SECONDS = 3.0
"""The longest that one connection may take to open, or to give its next bytes."""

DIRECTION_SECONDS = 2.5
"""The longest that one direction loads the line."""

SLOW_START_SECONDS = 0.5
BIN_SECONDS = 0.1
FEWEST_BINS = 5
"""Fewer full bins after slow start give no steady figure, only a lower bound."""

SATURATED_SHARE = 0.7
"""Share of one processor core above which the machine, not the line, may have set the pace."""

_CHUNK = bytes(16 * 1024)
_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25 if hasattr(socket, "TCP_INFO") else None)


@dataclass(frozen=True, slots=True)
class Rate:
    """One direction: bits per second, bytes that arrived, and whether the figure is only a lower bound."""

    bits_per_second: float
    bytes_moved: int
    censored: bool
    unsteady: bool = False


def observe(host: Host) -> Observation:
    """Return one measurement of the line; raises Unsupported when the collector lends it to another machine."""
    collector = host.surroundings.collector
    if collector is None:
        raise Unsupported("La ligne se mesure vers le collecteur : enrôler ce poste d'abord.")
    started = datetime.now(UTC)
    try:
        addresses = host.resolve(collector.host, collector.port, STEP_SECONDS)
        with host.connect(addresses, collector.port, STEP_SECONDS) as first:
            address = first.getpeername()[0]
        round_trips, loopback = _connection_times(host, address, collector.port)
        with collector.lease() as lease:
            begun, spent = time.perf_counter(), time.thread_time()
            down = _download(host, collector, lease, address)
            up = _upload(host, collector, lease, address)
            load = (time.thread_time() - spent) / (time.perf_counter() - begun)
    except TimeoutError:
        raise TimedOut("Le collecteur n'a pas répondu à temps pendant la mesure.") from None
    except OSError as problem:
        raise Unsupported(f"La mesure vers le collecteur a été coupée ({problem.strerror or problem}).") from problem
    from statistics import median, quantiles  # with fractions and decimal: only for who measures

    line = Line(
        down_bits_per_second=down.bits_per_second,
        up_bits_per_second=up.bits_per_second,
        censored=down.censored or up.censored,
        rtt_seconds=median(round_trips),
        rtt_p95_seconds=quantiles(round_trips, n=20, method="inclusive")[18],
        bytes_moved=down.bytes_moved + up.bytes_moved,
        streams=1,
        server=collector.host,
        loopback=loopback,
    )
    line.started_at.FromDatetime(started)
    line.confidence, detail = confidence(line, unsteady=down.unsteady, saturated=load > SATURATED_SHARE)
    return Observation(line, detail)


def confidence(line: Line, *, unsteady: bool, saturated: bool) -> tuple[Line.Confidence.ValueType, str]:
    """Return how far a measurement can be trusted, and why not further.

    A fault that makes the figure say nothing of the line makes it LOW; one that only blurs it makes it MEDIUM.
    """
    hard = []
    soft = []
    if line.loopback:
        hard.append("le collecteur est sur ce poste, la ligne du site n'a pas été mesurée")
    if saturated:
        hard.append("le processeur de ce poste a limité la mesure")
    if line.censored:
        soft.append("la mesure s'est arrêtée avant de remplir la ligne, les débits sont des minimums")
    if unsteady:
        soft.append("le débit a beaucoup varié")
    if line.rtt_p95_seconds > 2 * line.rtt_seconds + 0.005:
        soft.append("le délai a beaucoup varié, la ligne servait peut-être à autre chose")
    reasons = "; ".join((*hard, *soft)).replace(";", " ;")
    detail = f"{reasons[:1].upper()}{reasons[1:]}." if reasons else ""
    if hard or len(soft) > 1:
        return Line.LOW, detail
    return (Line.MEDIUM if soft else Line.HIGH), detail


def steady_rate(arrivals: Sequence[tuple[float, int]]) -> Rate | None:
    """Return the sustained rate of a stream; None when it was too short to have one.

    `arrivals` are the seconds since the first byte and the bytes received by then, both growing. The rate is the
    interquartile mean of the full bins after slow start.
    """
    if not arrivals:
        return None
    steady = sorted(_binned(arrivals)[round(SLOW_START_SECONDS / BIN_SECONDS) :])
    if len(steady) < FEWEST_BINS:
        return None
    quarter = len(steady) // 4
    middle = steady[quarter : len(steady) - quarter]
    mean = sum(middle) / len(middle)
    unsteady = mean > 0 and (middle[-1] - middle[0]) > 0.5 * mean
    return Rate(8 * mean / BIN_SECONDS, arrivals[-1][1], censored=False, unsteady=unsteady)


def _binned(arrivals: Sequence[tuple[float, int]]) -> list[float]:
    """Return the bytes of each full bin; what arrives at once was under way since the arrival before.

    TLS gives 16 KiB at a time, which on a slow line take most of a bin to come.
    """
    bins = [0.0] * (int(arrivals[-1][0] / BIN_SECONDS) + 1)
    began, before = 0.0, 0
    for at, total in arrivals:
        first, last = int(began / BIN_SECONDS), int(at / BIN_SECONDS)
        for index in range(first, last + 1):
            overlap = min(at, (index + 1) * BIN_SECONDS) - max(began, index * BIN_SECONDS)
            bins[index] += (total - before) * (overlap / (at - began) if first < last else 1)
        began, before = at, total
    return bins[:-1]


def _connection_times(host: Host, address: str, port: int) -> tuple[list[float], bool]:
    """Return how long each of some TCP connections took, in seconds, and whether the far end is this machine."""
    times = []
    loopback = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    for _ in range(CONNECTIONS):
        started = time.perf_counter()
        with host.connect([address], port, STEP_SECONDS) as connection:
            times.append(time.perf_counter() - started)
            loopback = loopback or connection.getsockname()[0] == connection.getpeername()[0]
    return times, loopback


def _open(host: Host, collector: Collector, lease: Lease, address: str) -> tuple[socket.socket, ssl.SSLContext]:
    context = ssl.create_default_context(cafile=collector.authority)
    context.load_cert_chain(collector.identity, password=collector.passphrase)
    connection = host.connect([address], lease.port, STEP_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if _NOTSENT_LOWAT is not None:
        # What waits in this machine's own buffer would be sent long after the test ended.
        connection.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, 64 * 1024)
    return connection, context


def _request(lease: Lease, direction: str) -> bytes:
    return f"PREREQUIS/1 {lease.token.hex()} {direction}\n".encode()


def _download(host: Host, collector: Collector, lease: Lease, address: str) -> Rate:
    buffer = bytearray(64 * 1024)
    arrivals: list[tuple[float, int]] = []
    total = 0
    plain, context = _open(host, collector, lease, address)
    with host.handshake(plain, collector.host, context) as connection:
        connection.sendall(_request(lease, "down"))
        first = total = connection.recv_into(buffer)
        begun = time.perf_counter()
        elapsed = 0.0
        while elapsed < DIRECTION_SECONDS and (count := connection.recv_into(buffer)):
            total += count
            elapsed = time.perf_counter() - begun
            arrivals.append((elapsed, total))
    if not arrivals:
        raise ParseError("Le collecteur a fermé la mesure sans rien envoyer.")
    capped = total >= lease.bytes_per_direction
    rate = steady_rate(arrivals)
    if rate is None:
        # The first bytes started the clock: counting them would give more than the line did.
        return Rate(8 * (total - first) / max(arrivals[-1][0], 1e-6), total, censored=True)
    return Rate(rate.bits_per_second, total, censored=capped, unsteady=rate.unsteady)


def _upload(host: Host, collector: Collector, lease: Lease, address: str) -> Rate:
    """Return the rate that the collector counted; it may say so before this machine has sent all that it may."""
    plain, context = _open(host, collector, lease, address)
    with host.stream(plain, collector.host, context) as connection:
        connection.send(_request(lease, "up"))
        sent = 0
        answer = b""
        limit = time.perf_counter() + DIRECTION_SECONDS
        while not answer and sent < lease.bytes_per_direction and time.perf_counter() < limit:
            chunk = _CHUNK[: lease.bytes_per_direction - sent]
            connection.send(chunk)
            sent += len(chunk)
            answer = connection.hear()
        if not answer:
            connection.finish()
        # What is under way on a slow line may take longer than a step.
        plain.settimeout(2 * STEP_SECONDS)
        while not answer.endswith(b"\n") and (more := connection.receive()):
            answer += more
    try:
        counted = json.loads(answer)
        received, seconds = int(counted["bytes"]), float(counted["seconds"])
    except (ValueError, KeyError, TypeError):
        raise ParseError("Le collecteur n'a pas dit ce qu'il a reçu.") from None
    if not (0 < received <= sent and seconds > 0):
        raise ParseError("Le collecteur n'a pas bien compté ce qu'il a reçu.")
    return Rate(8 * received / seconds, received, censored=received >= lease.bytes_per_direction)


PROBE = Probe(
    "line",
    observe,
    about="Débit et délai de la ligne jusqu'au collecteur.",
    deadline_seconds=45.0,
    cpu_budget_seconds=6.0,
    alone=True,
    uses_surroundings=True,
)
