"""When the collector wants this machine to measure the site's line by itself, kept in the plan of last time.

Loaded at every stroke of the timer: nothing here needs gRPC.
"""

import contextlib
from datetime import UTC, datetime, timedelta

from google.protobuf import json_format

from prerequis.v1.measurement_pb2 import GetPlanResponse, ReleaseLeaseResponse
from prerequis_agent import durable
from prerequis_agent.config import State

HORIZON = timedelta(minutes=70)
"""How far ahead a run waits for its turn; the timer that starts it strikes every hour, give or take."""

LATE = timedelta(minutes=10)
"""How late a turn may be taken; after that the collector is asked for the next one."""


def kept_plan(state: State) -> GetPlanResponse | None:
    """Return the plan that the collector gave last; None when there was none or its file is damaged."""
    try:
        # A collector of tomorrow may say more than this version knows.
        return json_format.Parse(state.plan.read_bytes(), GetPlanResponse(), ignore_unknown_fields=True)
    except (OSError, json_format.ParseError, UnicodeDecodeError):
        return None


def turn(state: State) -> datetime | None:
    """Return when this machine is to measure next, UTC; None when it is not elected, or not known to be."""
    plan = kept_plan(state)
    return plan.measure_at.ToDatetime(UTC) if plan is not None and plan.HasField("measure_at") else None


def keep_turn(state: State, answer: ReleaseLeaseResponse) -> None:
    """Keep what the collector says at the end of a lease of the next turn."""
    plan = kept_plan(state)
    if plan is None:
        return
    plan.ClearField("measure_at")
    if answer.HasField("measure_at"):
        plan.measure_at.CopyFrom(answer.measure_at)
    with contextlib.suppress(OSError):  # without it the plan is asked for once more
        durable.write(state.plan, json_format.MessageToJson(plan).encode())
