"""Lines that the collector of a test tells of."""

from prerequis.v1.context_pb2 import SiteMeasures
from prerequis.v1.facts_pb2 import Line
from prerequis.v1.line_pb2 import CAPACITY, PROVEN, SUFFICIENCY, WIFI
from prerequis.v1.line_review_pb2 import GetLineResponse, LineHour, LineMeasurement, LineSummary

SLOW = LineSummary(
    finess="590000001",
    name="EHPAD Les Tilleuls",
    measures=SiteMeasures(
        down_bits_per_second=7.5e6, up_bits_per_second=0.8e6, down_censored=False, up_censored=False, rtt_seconds=0.041,
        line_days=9, line_results=22, line_provisional=False, line_sure=True,
    ),
    down_need_bits_per_second=20e6,
    user_bits_per_second=2e6,
    users=3,
    upgrade_bits_per_second=20e6,
    contentions=2,
    discarded=3,
)  # fmt: skip
FIRST_DAY = LineSummary(
    finess="590000002",
    name='=HYPERLINK("x") SESSAD',
    measures=SiteMeasures(
        down_bits_per_second=25e6, down_censored=True, line_days=1, line_results=1, line_provisional=True
    ),
    down_need_bits_per_second=20e6,
    user_bits_per_second=2e6,
    users=12,
    users_at_least=True,
)
NOT_MEASURED = LineSummary(finess="590000003", name="FAM Les Pins")


def measurement(number: int, **more: object) -> LineMeasurement:
    line = Line(rtt_seconds=0.04, confidence=Line.MEDIUM, flags=[WIFI])
    line.down.bits_per_second, line.down.stop = 25e6, PROVEN
    one = LineMeasurement(
        workstation_id=f"pc-{number}",
        workstation_name=f"PC-ACCUEIL-{number}",
        method=SUFFICIENCY,
        busy_hour=True,
        bytes=9_100_000,
        result=line,
        local_time=f"2026-11-{20 - number % 20:02}T08:12:00+01:00",
    )
    one.MergeFrom(LineMeasurement(**more))  # type: ignore[arg-type]
    return one


def slow() -> GetLineResponse:
    """Return a line with figures at two hours and three measurements, one of which does not count."""
    old = Line(down_bits_per_second=7.1e6, up_bits_per_second=0.7e6, censored=False)
    return GetLineResponse(
        summary=SLOW,
        hours=[
            LineHour(
                hour=8, busy=True, results=9, down_bits_per_second=7.1e6, up_bits_per_second=0.8e6, rtt_seconds=0.05
            ),
            LineHour(hour=11, results=4, down_bits_per_second=14.2e6),
        ],
        measurements=[
            measurement(0),
            measurement(1, method=CAPACITY, attended=True, discard=LineMeasurement.CONTENDED),
            LineMeasurement(workstation_name="PC-VIEUX", result=old, local_time="2026-11-02T14:00:00+01:00"),
        ],
    )
