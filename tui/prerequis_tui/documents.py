"""Values as the JSON documents carry them: protobuf enum names, and null for what is not known."""

from prerequis.v1 import judgement_pb2


def readiness(value: judgement_pb2.Readiness.ValueType) -> str | None:
    """Return NOT_READY, INSUFFICIENT_DATA, READY_WITH_RESERVATIONS or READY; None when nothing was judged."""
    return judgement_pb2.Readiness.Name(value) if value else None


def verdict(value: judgement_pb2.Judgement.Verdict.ValueType) -> str:
    """Return PASS, FAIL, UNKNOWN or NOT_APPLICABLE; what was not said is UNKNOWN."""
    return judgement_pb2.Judgement.Verdict.Name(value or judgement_pb2.Judgement.UNKNOWN)


def score(value: judgement_pb2.Score) -> dict[str, float] | None:
    """Return both ends in per cent, or None when either is unset."""
    if not (value.HasField("low") and value.HasField("high")):
        return None
    return {"low": value.low, "high": value.high}


def coverage(value: judgement_pb2.Score) -> float | None:
    """Return the share of the weight that was decided, in per cent, or None when it is unset."""
    return value.coverage if value.HasField("coverage") else None
