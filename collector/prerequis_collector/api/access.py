"""Who may call what. A method that is not here is refused to everybody.

A request about one site names it in its field `finess`: there the guard looks whether it is one of the caller's. What
lists sites takes the caller's organisation into account itself.
"""

from collections.abc import Mapping

from prerequis_collector.services.identify import OPERATOR_ROLES, Role

_AGENT = frozenset({Role.AGENT})
_OPERATORS = frozenset(OPERATOR_ROLES)

HEALTH = "/grpc.health.v1.Health/Check"

OPEN = frozenset({"/prerequis.v1.EnrolmentService/Enrol", HEALTH})
"""Calls that need no certificate: the first checks its own ticket, the second says one word."""

CHECKED_IN_WRITING = frozenset({"/prerequis.v1.ReportService/Submit", "/prerequis.v1.ReportService/SubmitMany"})
"""Calls of agents that look up whether their caller is still admitted in the transaction that keeps what it brings:
asking before would cost as much again, and be less sure."""

ROLES: Mapping[str, frozenset[Role]] = {
    "/prerequis.v1.EnrolmentService/Renew": _AGENT,
    "/prerequis.v1.ReportService/Submit": _AGENT,
    "/prerequis.v1.ReportService/SubmitMany": _AGENT,
    "/prerequis.v1.ReportService/Confirm": _AGENT,
    "/prerequis.v1.MeasurementService/GetPlan": _AGENT,
    "/prerequis.v1.MeasurementService/AcquireLease": _AGENT,
    "/prerequis.v1.MeasurementService/RenewLease": _AGENT,
    "/prerequis.v1.MeasurementService/ReleaseLease": _AGENT,
    "/prerequis.v1.LineReviewService/GetLine": _OPERATORS,
    "/prerequis.v1.LineReviewService/ListLines": _OPERATORS,
    "/prerequis.v1.ReviewService/ListSites": _OPERATORS,
    "/prerequis.v1.ReviewService/GetJudging": _OPERATORS,
    "/prerequis.v1.ReviewService/GetSite": _OPERATORS,
    "/prerequis.v1.ReviewService/GetPack": _OPERATORS,
    "/prerequis.v1.ReviewService/SaveAnswer": frozenset({Role.TECHNICIAN, Role.DSI, Role.ADMIN}),
    "/prerequis.v1.ReviewService/SetParameter": frozenset({Role.DSI, Role.ADMIN}),
    "/prerequis.v1.RuleReviewService/ListRules": _OPERATORS,
    "/prerequis.v1.RuleReviewService/ExplainRule": _OPERATORS,
    "/prerequis.v1.ServicesReviewService/GetServices": _OPERATORS,
    "/prerequis.v1.WaiverService/ProposeWaiver": frozenset({Role.TECHNICIAN, Role.DSI, Role.ADMIN}),
    "/prerequis.v1.WaiverService/ApproveWaiver": frozenset({Role.DSI, Role.ADMIN}),
    "/prerequis.v1.WaiverService/EndWaiver": frozenset({Role.DSI, Role.ADMIN}),
    "/prerequis.v1.WaiverService/ListWaivers": _OPERATORS,
    "/prerequis.v1.OrderingService/ListNeeds": _OPERATORS,
    "/prerequis.v1.OrderingService/RecordOrder": frozenset({Role.ORDERING, Role.DSI, Role.ADMIN}),
}
