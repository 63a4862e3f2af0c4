"""What a serving collector says of itself to Prometheus: how much, how fast, how full; never who."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from prerequis.os_errors import why
from prerequis_collector.config import Address
from prerequis_collector.errors import InvalidInput

# An answer waits for a commit to the disk; the longest that agents wait is 15 s.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
_STATES = ("kept", "already_kept", "refused")


class CallMetrics:
    """The figures of one method, found once: looking them up by their labels for each call would cost as much again."""

    def __init__(self, method: str, calls: Counter, seconds: Histogram) -> None:
        self._method = method
        self._calls = calls
        self._answered = calls.labels(method, "OK")
        self._seconds = seconds.labels(method)

    def answered(self, seconds: float) -> None:
        """Count a call that got its answer, after this long."""
        self._answered.inc()
        self._seconds.observe(seconds)

    def ended(self, code: str) -> None:
        """Count a call that ended so; how long it took says nothing of the collector."""
        self._calls.labels(self._method, code).inc()


class Metrics:
    """One registry for each collector; counting costs a few microseconds a call, whether or not anybody asks."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._calls = Counter("prerequis_calls", "Calls, by how they ended.", ["method", "code"], registry=registry)
        self._seconds = Histogram(
            "prerequis_call_seconds",
            "How long an answer took, the commit included.",
            ["method"],
            registry=registry,
            buckets=_SECONDS,
        )
        reports = Counter("prerequis_reports", "Reports, by what became of them.", ["state"], registry=registry)
        self._reports = {state: reports.labels(state) for state in _STATES}
        self._gauges: dict[str, Gauge] = {}

    def call(self, method: str) -> CallMetrics:
        """Return where the calls of a method are counted."""
        return CallMetrics(method, self._calls, self._seconds)

    def report(self, state: str) -> None:
        """Count a report: kept, already_kept or refused."""
        self._reports[state].inc()

    def watch(self, name: str, meaning: str, value: Callable[[], float], **labels: str) -> None:
        """Show a value that is looked at only when somebody asks; its labels tell it from others of the same name."""
        known = self._gauges.get(name)
        if known is None:
            known = self._gauges[name] = Gauge(name, meaning, list(labels), registry=self.registry)
        (known.labels(**labels) if labels else known).set_function(value)


@contextmanager
def served_metrics(metrics: Metrics, address: Address) -> Iterator[Address]:
    """Answer `GET /metrics` by plain HTTP while the block runs; raises InvalidInput when the address is taken."""
    try:
        server, thread = start_http_server(address.port, address.host, metrics.registry)
    except OSError as error:
        raise InvalidInput(f"Impossible d'écouter sur {address} : {why(error)}.") from error
    try:
        yield Address(address.host, server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
