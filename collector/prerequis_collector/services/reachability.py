"""What is known of the services that a site needs: as last asked, and since when each failure stands."""

from datetime import UTC, datetime

from prerequis.v1.context_pb2 import SiteServices
from prerequis.v1.facts_pb2 import Endpoint, Services
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.site_services import KnownServices, SiteServicesRow
from prerequis_rules.messages import moment


def note_services(transaction: Transaction, finess: str, found: Services, observed_at: datetime) -> None:
    """Keep what a machine of the site found; nothing when something newer is kept, for reports may come late."""
    kept = KnownServices(transaction).find(finess)
    if kept is not None and kept.observed_at > observed_at:
        return
    before = SiteServices.FromString(kept.body) if kept else SiteServices()
    services = merged(before, found, observed_at)
    KnownServices(transaction).save(SiteServicesRow.of(finess, observed_at, services.SerializeToString()))


def known_services(transaction: Transaction, finess: str) -> SiteServices | None:
    """Return what was last found at the site; None when no machine of it ever asked."""
    kept = KnownServices(transaction).find(finess)
    return SiteServices.FromString(kept.body) if kept else None


def merged(before: SiteServices, found: Services, observed_at: datetime) -> SiteServices:
    """Return what was found, each failure dated from when it was first seen without a success since."""
    failing = {_place(one.endpoint): one.since for one in before.asked if one.HasField("since")}
    services = SiteServices(observed_at=moment(observed_at.astimezone(UTC)))
    if found.HasField("automatic_script"):
        services.automatic_script = found.automatic_script
    for endpoint in found.endpoints:
        one = services.asked.add(endpoint=endpoint)
        if endpoint.HasField("reachable") and not endpoint.reachable:
            one.since.CopyFrom(failing.get(_place(endpoint), services.observed_at))
    return services


def _place(endpoint: Endpoint) -> tuple[str, int]:
    return endpoint.host, endpoint.port
