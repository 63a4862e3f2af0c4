"""How each domain error leaves by gRPC; the sentence is the error's own, details go to the log only."""

from collections.abc import Mapping

from grpc import StatusCode

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

UNEXPECTED = "Erreur interne."
"""All that a caller learns of a fault of ours."""
