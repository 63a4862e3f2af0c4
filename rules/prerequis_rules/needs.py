"""What a site needs, added up from the judgements that ask for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from prerequis_rules.model import Judged, Quantity, Scope
from prerequis_rules.pack import Pack


@dataclass(frozen=True, slots=True)
class SiteNeed:
    """One article for one site."""

    item: str
    quantity: Quantity
    reasons: tuple[str, ...]
    """One French sentence for each rule that asks for it."""


def site_needs(pack: Pack, subjects: Iterable[Judged]) -> tuple[SiteNeed, ...]:
    """Return what one site and its workstations ask for, in the order of the articles' ids.

    A waived FAIL asks for nothing.
    """
    asking: dict[str, dict[str, list[Judged]]] = {}
    for one in subjects:
        for rule in one.needs.keys() - one.waived:
            for item in one.needs[rule]:
                asking.setdefault(item, {}).setdefault(rule, []).append(one)
    return tuple(
        SiteNeed(
            item=item,
            quantity=_sum(one.needs[rule][item] for rule, of_rule in by_rule.items() for one in of_rule),
            reasons=tuple(_reason(pack, rule, of_rule) for rule, of_rule in sorted(by_rule.items())),
        )
        for item, by_rule in sorted(asking.items())
    )


def _sum(quantities: Iterable[Quantity]) -> Quantity:
    certain, possible = 0, 0
    unbounded = False
    for quantity in quantities:
        certain += quantity.certain
        possible += quantity.possible or 0
        unbounded = unbounded or quantity.possible is None
    return Quantity(certain, None if unbounded else possible)


def _reason(pack: Pack, identifier: str, asking: list[Judged]) -> str:
    """Return the state wanted, then how many machines are concerned or what was seen of the site."""
    rule = pack.rules[identifier]
    if rule.scope is Scope.WORKSTATION:
        machines = len(asking)
        return f"{rule.title} : {machines} poste{'s' if machines > 1 else ''} à pourvoir ou à vérifier"
    observed = asking[0].texts.observed_alone(identifier)
    return f"{rule.title} (constaté : {observed})" if observed else rule.title
