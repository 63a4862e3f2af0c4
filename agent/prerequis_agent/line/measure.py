"""The rungs of a measurement, in order, as far as a lease allows; each leaves facts, and flags that weaken them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from prerequis.os_errors import why
from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_pb2 import (
    CAPACITY,
    LATENCY,
    LIBRESPEED,
    SUFFICIENCY,
    TLS_INSPECTED,
    LineConditions,
    LineLatency,
    LineMethod,
)
from prerequis_agent.errors import TimedOut, Unsupported
from prerequis_agent.host import Host
from prerequis_agent.line import conditions, idle
from prerequis_agent.line.conditions import Attachment, Quiet
from prerequis_agent.line.flags import Evidence, conclude
from prerequis_agent.line.flow import Direction, Transport
from prerequis_agent.line.latency import Beside, round_trips
from prerequis_agent.line.method import PACE, STREAMS, Course, capacity, sufficiency
from prerequis_agent.line.raw_tls import RawTls
from prerequis_agent.line.way import Obstructed, Way, find
from prerequis_agent.surroundings import Collector, Lease, Plan

DIRECTIONS: tuple[Direction, ...] = ("down", "up")


@dataclass(frozen=True, slots=True)
class Before:
    """What is known before a lease is asked for."""

    way: Way
    attached: Attachment
    quiet: Quiet
    elsewhere: tuple[LineLatency, ...] = ()
    """Round trips to the hosts of the plan: under a lease, those that do not answer would keep others from the line."""


def look(host: Host, collector: Collector, plan: Plan | None = None, patience_seconds: float = 0.0) -> Before:
    """Return how the collector is reached and what this machine is doing, at a quiet moment if one comes in time.

    Raises Obstructed, TimedOut and Unsupported.
    """
    with _told():
        way = find(host, collector)
    attached = conditions.attachment(host, way.local_address)
    carrier = attached.interface.name if attached.interface is not None else None
    asked = (plan.demand_bits_per_second if plan is not None else None) or conditions.USUAL_BITS_PER_SECOND
    elsewhere = tuple(idle.elsewhere(host, plan))
    return Before(way, attached, conditions.quiet(host, carrier, asked, patience_seconds), elsewhere)


def obstructed(collector: Collector, obstacle: Obstructed) -> Line:
    """Return the facts of a line on which something else answers in the collector's place: no figure, only why."""
    line = Line(server=collector.host, confidence=Line.LOW, flags=[obstacle.flag])
    line.started_at.FromDatetime(datetime.now(UTC))
    if obstacle.flag == TLS_INSPECTED:
        line.conditions.tls_inspected = True
    return line


def measure(host: Host, collector: Collector, lease: Lease, before: Before) -> tuple[Line, str]:
    """Return one measurement under a lease, and one French sentence on what weakens it.

    Raises TimedOut and ProbeError when the bytes do not pass.
    """
    with _told():
        return _Measurement(host, collector, lease, before).run()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise TimedOut("Le collecteur n'a pas répondu à temps pendant la mesure.") from None
    except OSError as problem:
        raise Unsupported(f"La mesure vers le collecteur a été coupée ({why(problem)}).") from problem


@dataclass(slots=True)
class _Measurement:
    host: Host
    collector: Collector
    lease: Lease
    before: Before
    line: Line = field(default_factory=Line)
    evidence: Evidence = field(default_factory=Evidence)
    gateway: idle.Gateway | None = None

    def run(self) -> tuple[Line, str]:
        """Return the line and what weakens it."""
        line, way = self.line, self.before.way
        line.method = cast(LineMethod.ValueType, self.lease.method or CAPACITY)
        line.server, line.loopback = self.collector.host, way.is_loopback
        line.started_at.FromDatetime(datetime.now(UTC))
        transport = self._transport()
        self._note_conditions(transport)
        self._idle(transport)
        with conditions.loaded(self.host) as load:
            courses = {} if line.method == LATENCY else self._directions(transport)
        line.ended_at.FromDatetime(datetime.now(UTC))
        self._note_rates(courses)
        line.conditions.process_load = load.process
        if load.machine is not None:
            line.conditions.machine_load = load.machine
        self.evidence.courses, self.evidence.load = tuple(courses.values()), load
        self.evidence.interface_changed = self._has_moved()
        return line, conclude(line, self.evidence)

    def _transport(self) -> Transport:
        """Return what carries the bytes: the raw port, or HTTP where only that passes."""
        raw = RawTls(self.host, self.collector, self.lease, self.before.way.address)
        try:
            raw.open("down", None).close()
        except OSError:
            if not self.lease.http_port:
                raise
            from prerequis_agent.line.librespeed import of_collector  # urllib: only where the raw port is closed

            return of_collector(self.host, self.collector, self.lease, self.before.way.address)
        return raw

    def _note_conditions(self, transport: Transport) -> None:
        known, quiet = self.line.conditions, self.before.quiet
        conditions.fill(known, self.before.attached)
        known.transport = transport.kind
        known.tls_inspected = False
        known.family = LineConditions.IPV6 if self.before.way.is_ipv6 else LineConditions.IPV4
        if quiet.other_bits_per_second is not None:
            known.other_bits_per_second = quiet.other_bits_per_second
        if self.lease.server_load is not None:
            known.server_load = self.lease.server_load

    def _idle(self, transport: Transport) -> None:
        line, way = self.line, self.before.way
        count = idle.LOSS_PROBES if line.method == LATENCY else idle.IDLE_PROBES
        trips = round_trips(self.host, transport.address, transport.port, count=count, interval=idle.INTERVAL_SECONDS)
        self.evidence.idle = trips
        towards = trips.latency(LineLatency.COLLECTOR, self.collector.host)
        towards.dns_seconds, towards.tls_seconds = way.dns_seconds, way.tls_seconds
        line.idle.append(towards)
        line.loss.CopyFrom(trips.loss())
        if trips.seconds:
            line.rtt_seconds, line.rtt_p95_seconds = towards.median_seconds, towards.p95_seconds
        if not way.is_loopback:
            self.gateway = idle.gateway(self.host, self.before.attached.gateways)
        if self.gateway is not None:
            self.evidence.gateway_idle = self.gateway.trips
            line.idle.append(self.gateway.trips.latency(LineLatency.GATEWAY))
        line.idle.extend(self.before.elsewhere)

    def _directions(self, transport: Transport) -> dict[Direction, Course]:
        lease = self.lease
        targets = {"down": lease.down_target_bits_per_second, "up": lease.up_target_bits_per_second}
        only_some = self.line.method == SUFFICIENCY and any(targets.values())
        courses: dict[Direction, Course] = {}
        for direction in DIRECTIONS:
            if targets[direction] or not only_some:
                courses[direction] = self._direction(transport, direction, targets[direction])
        return courses

    def _direction(self, transport: Transport, direction: Direction, target: float) -> Course:
        lease, streams = self.lease, self.lease.streams or STREAMS
        user = lease.user_bits_per_second or target / PACE
        with contextlib.ExitStack() as stack:
            beside = stack.enter_context(Beside(self.host, transport.address, transport.port))
            gateway = None
            if self.gateway is not None:
                gateway = stack.enter_context(Beside(self.host, self.gateway.address, self.gateway.port))
            if self.line.method == SUFFICIENCY and user:
                course = sufficiency(transport, direction, lease.bytes_per_direction, target, user, streams)
            else:
                course = capacity(transport, direction, lease.bytes_per_direction, streams)
        course.found.loaded.CopyFrom(beside.trips.latency(LineLatency.COLLECTOR, self.collector.host))
        if gateway is not None:
            self.evidence.gateway_loaded.seconds += gateway.trips.seconds
        return course

    def _note_rates(self, courses: dict[Direction, Course]) -> None:
        line = self.line
        for direction, course in courses.items():
            getattr(line, direction).CopyFrom(course.found)
            setattr(line, f"{direction}_bits_per_second", course.found.bits_per_second)
        if courses:
            line.censored = any(course.found.censored for course in courses.values())
            line.bytes_moved = sum(course.found.bytes for course in courses.values())
            line.streams = max(course.found.streams for course in courses.values())
        self.evidence.through_proxy = line.conditions.transport == LIBRESPEED and line.conditions.proxy

    def _has_moved(self) -> bool:
        """Return whether this machine now reaches the collector from another address than before."""
        try:
            return find(self.host, self.collector).local_address != self.before.way.local_address
        except OSError:
            return False  # what the test itself showed is all there is to say
