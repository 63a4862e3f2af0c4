"""Values as the JSON documents carry them: protobuf enum names, and null for what is not known."""

from prerequis.v1 import judgement_pb2, review_pb2


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


def parameter(one: review_pb2.SiteParameter) -> dict[str, object]:
    """Return what a site settled of what the sources leave open, or what its profile says; rates in both units."""
    settled = one.HasField("settled_at")
    return {
        "name": one.name,
        "value": one.value or None,
        "profileValue": one.profile_value or None,
        "author": one.author if settled else None,
        "settledAt": one.settled_at.ToJsonString() if settled else None,
        "reason": one.reason if settled else None,
    }


def lot(goals: review_pb2.LotGoals) -> dict[str, object]:
    """Return what a programme asks of a lot; days as YYYY-MM-DD, records None where nobody counted the active ones."""
    return {
        "title": goals.title,
        "opens": goals.opens.ToJsonString()[:10],
        "closes": goals.closes.ToJsonString()[:10],
        "goals": [
            {
                "title": goal.title,
                "percent": goal.percent,
                "records": goal.records if goal.HasField("records") else None,
            }
            for goal in goals.goals
        ],
        "source": goals.source,
    }
