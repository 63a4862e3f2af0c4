"""How each domain error leaves by gRPC; the sentence is the error's own, details go to the log only."""

import random
from collections.abc import Mapping

from grpc import StatusCode

from prerequis.trailers import PUSHBACK, TOLD
from prerequis_collector import errors

STATUS: Mapping[type[errors.CollectorError], StatusCode] = {
    errors.InvalidInput: StatusCode.INVALID_ARGUMENT,
    errors.NotFound: StatusCode.NOT_FOUND,
    errors.AlreadyThere: StatusCode.ALREADY_EXISTS,
    errors.NotIdentified: StatusCode.UNAUTHENTICATED,
    errors.NotAllowed: StatusCode.PERMISSION_DENIED,
    errors.TicketRefused: StatusCode.PERMISSION_DENIED,
    errors.LeaseLost: StatusCode.FAILED_PRECONDITION,
    errors.Overloaded: StatusCode.RESOURCE_EXHAUSTED,
    errors.StorageUnavailable: StatusCode.UNAVAILABLE,
    errors.SchemaMismatch: StatusCode.UNAVAILABLE,
}

_SPREAD = 2.0


def come_back(error: errors.CollectorError) -> tuple[tuple[str, str], ...]:
    """Return the trailers of an error: for an overload when to come back, drawn so that not all come back together.

    One that leaves by the status of a lost connection says that its words are the collector's.
    """
    if not isinstance(error, errors.Overloaded):
        return (TOLD,) if STATUS[type(error)] is StatusCode.UNAVAILABLE else ()
    seconds = error.after_seconds * random.uniform(1.0, _SPREAD)  # noqa: S311 – no secret
    return ((PUSHBACK, str(round(seconds * 1000))),)


UNEXPECTED = "Erreur interne."
"""All that a caller learns of a fault of ours."""
