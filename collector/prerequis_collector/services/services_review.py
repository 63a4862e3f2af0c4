"""What is shown of a site's services: as last asked, with what a network administrator must know of each."""

from prerequis.v1.services_review_pb2 import GetServicesResponse
from prerequis_collector.services.plan import profile_of
from prerequis_collector.services.reachability import known_services
from prerequis_collector.services.register import require_site
from prerequis_collector.store.database import Transaction
from prerequis_rules.pack import Pack
from prerequis_rules.services import described


def review_services(transaction: Transaction, pack: Pack, finess: str) -> GetServicesResponse:
    """Return the site's services as last asked; without any when no machine ever asked. Raises NotFound."""
    site = require_site(transaction, finess)
    answer = GetServicesResponse(finess=site.finess, name=site.name)
    found = known_services(transaction, finess)
    if found is not None:
        answer.services.CopyFrom(described(found, profile_of(pack, site), pack.knowledge))
    return answer
