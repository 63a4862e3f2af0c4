"""What the collector says beside the status of a call that failed, in gRPC's trailing metadata."""

from collections.abc import Iterable

PUSHBACK = "grpc-retry-pushback-ms"
"""When to try again (gRPC proposal A6): whole milliseconds."""

TOLD = ("prerequis-told", "1")
"""The words of the status are the collector's, for a person: gRPC's own, of a connection that failed, never have it."""


def is_told(trailers: Iterable[tuple[str, str | bytes]] | None) -> bool:
    """Return whether the collector itself wrote the words of a status with these trailers."""
    return any(one == TOLD for one in trailers or ())  # gRPC's metadata looks for keys when asked what is in it
