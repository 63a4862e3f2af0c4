"""Services that the collector of a test tells of."""

from datetime import UTC, datetime

from prerequis.v1.context_pb2 import SiteService, SiteServices
from prerequis.v1.facts_pb2 import Endpoint, EndpointPath
from prerequis.v1.services_pb2 import TLS
from prerequis.v1.services_review_pb2 import GetServicesResponse

REACHED = EndpointPath(reachable=True, failure=Endpoint.NONE, connect_seconds=0.0124)
SILENT = EndpointPath(reachable=False, failure=Endpoint.TIMED_OUT)


def asked() -> GetServicesResponse:
    """Return a site with a service in each state."""
    closed = SiteService(
        endpoint=Endpoint(host="dui.test", port=443, reachable=False, failure=Endpoint.TIMED_OUT, ipv4=SILENT),
        name="DUI",
        essential=True,
        trouble="dui.test:443 (DUI) : pas de réponse, depuis le 12/11/2026",
    )
    closed.since.FromDatetime(datetime(2026, 11, 12, 12, tzinfo=UTC))
    one_family = SiteService(
        endpoint=Endpoint(host="psc.test", port=443, protocol=TLS, reachable=True, ipv4=REACHED, ipv6=SILENT),
        name="Pro Santé Connect",
        essential=True,
        remark="psc.test:443 : joint, mais IPv6 échoue (pas de réponse)",
    )
    fine = SiteService(endpoint=Endpoint(host="collecteur.test", port=7443, reachable=True, purpose="collector"))
    comfort = SiteService(endpoint=Endpoint(host="dmp.test", port=443, reachable=False), name="DMP", trouble="dmp.test")
    unsure = SiteService(endpoint=Endpoint(host="ocsp.test", port=80))
    services = SiteServices(asked=[fine, one_family, unsure, comfort, closed])
    services.observed_at.FromDatetime(datetime(2026, 11, 22, 8, tzinfo=UTC))
    return GetServicesResponse(finess="590000001", name="EHPAD Les Tilleuls", services=services)
