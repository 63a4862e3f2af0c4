"""What to order: what the judgements ask for, less what is ordered already."""

from datetime import datetime

from prerequis.v1.ordering_pb2 import ListNeedsResponse, NeedLine, RecordOrderResponse
from prerequis_collector.errors import InvalidInput, NotFound
from prerequis_collector.services.audit import note, operator
from prerequis_collector.services.programme import due
from prerequis_collector.services.register import require_site
from prerequis_collector.services.summarise import stale_sites
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.orders import OrderRow, Orders
from prerequis_collector.store.site_needs import SiteNeedRow, SiteNeeds
from prerequis_collector.store.site_summaries import SiteSummaries
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_rules.pack import Pack


def list_needs(
    transaction: Transaction, pack: Pack, now: datetime, finess: str, organisation: str = ""
) -> ListNeedsResponse:
    """Return the needs of one site, or of all of an organisation or of everybody, as last judged; raises NotFound."""
    if finess:
        sites, needs = [require_site(transaction, finess)], SiteNeeds(transaction).of_site(finess)
    else:
        sites, needs = list(Sites(transaction).all(organisation)), SiteNeeds(transaction).all()
    by_finess = {site.finess: site for site in sites}
    ordered = Orders(transaction).quantities()
    summaries = SiteSummaries(transaction).all()
    lines = [
        _line(pack, by_finess[need.finess], need, ordered.get((need.finess, need.item), 0))
        for need in needs
        if need.finess in by_finess
    ]
    unseen = [site for site in by_finess if site not in summaries or summaries[site].workstations == 0]
    being_judged = by_finess.keys() & stale_sites(transaction, pack, now)
    return ListNeedsResponse(lines=lines, sites_not_measured=unseen, being_judged=len(being_judged))


def record_order(
    transaction: Transaction,
    pack: Pack,
    *,
    finess: str,
    item: str,
    quantity: int,
    reference: str,
    author: str,
    now: datetime,
) -> RecordOrderResponse:
    """Keep an order and return the article's line with it counted in; raises NotFound, InvalidInput."""
    site = require_site(transaction, finess)
    if item not in pack.catalogue:
        raise NotFound(f"Le catalogue n'a pas d'article « {item} ».")
    if not 1 <= quantity <= 1_000_000:
        raise InvalidInput("La quantité commandée doit être un nombre positif.")
    if not reference.strip():
        raise InvalidInput("La référence de la commande est vide.")
    order = OrderRow(
        finess=finess, item=item, quantity=quantity, reference=reference.strip(), author=author, recorded_at=now
    )
    Orders(transaction).add(order)
    noted = operator(author), "order.record", finess, now
    note(transaction, *noted, item=item, quantity=quantity, reference=order.reference)
    needs = {need.item: need for need in SiteNeeds(transaction).of_site(finess)}
    need = needs.get(item) or SiteNeedRow(finess=finess, item=item, certain=0, possible=0, reasons=[])
    line = _line(pack, site, need, Orders(transaction).quantities()[finess, item])
    return RecordOrderResponse(line=line, being_judged=finess in stale_sites(transaction, pack, now))


def _line(pack: Pack, site: SiteRow, need: SiteNeedRow, ordered: int) -> NeedLine:
    article = pack.catalogue.get(need.item)
    return NeedLine(
        finess=site.finess,
        site_name=site.name,
        item=need.item,
        item_name=article.name if article else need.item,
        certain=need.certain,
        possible=need.possible,
        ordered=ordered,
        to_order=max(0, need.certain - ordered),
        deadline=due(pack, site),
        reasons=need.reasons,
    )
