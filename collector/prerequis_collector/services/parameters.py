"""What a site settles for itself of what the sources leave open: who did, when and why."""

import json
from collections.abc import Iterator
from datetime import datetime

from prerequis.v1.register_pb2 import Profile
from prerequis.v1.review_pb2 import SiteParameter
from prerequis_collector.errors import InvalidInput, NotFound
from prerequis_collector.services.audit import note, operator
from prerequis_collector.services.plan import editor_profile, settled
from prerequis_collector.services.register import require_site
from prerequis_collector.store.database import Transaction
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_rules.pack import Pack
from prerequis_rules.parameters import PARAMETERS, Parameter, UnreadableValue

_LONGEST_REASON = 500


def save_parameter(
    transaction: Transaction,
    pack: Pack,
    *,
    finess: str,
    name: str,
    value: str,
    reason: str,
    author: str,
    now: datetime,
) -> SiteParameter:
    """Settle a parameter of a site, or leave it to the profile again for an empty value; return it as it stands.

    Raises NotFound, InvalidInput.
    """
    parameter = PARAMETERS.get(name)
    if parameter is None:
        raise NotFound(f"Il n'y a pas de paramètre « {name} » ; choisir parmi : {', '.join(PARAMETERS)}.")
    value, reason = value.strip(), reason.strip()
    if not reason or len(reason) > _LONGEST_REASON:
        raise InvalidInput(f"Dire pourquoi, en {_LONGEST_REASON} caractères au plus.")
    if value:
        _check(parameter, value)
    Sites(transaction).touch(finess)  # locks the row: what another operator settles meanwhile is not lost
    site = require_site(transaction, finess)
    kept = settled(site)
    kept.pop(name, None)
    if value:
        kept[name] = {"value": value, "author": author, "at": now.isoformat(), "reason": reason}
    site.parameters = json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else ""
    Sites(transaction).save(site)
    note(transaction, operator(author), "site.parameter", finess, now, parameter=name, value=value, reason=reason)
    return next(one for one in parameters_of(pack, site) if one.name == name)


def parameters_of(pack: Pack, site: SiteRow) -> Iterator[SiteParameter]:
    """Yield every parameter as it stands at the site, with the profile's value where the site settled another."""
    profile, kept = editor_profile(pack, site), settled(site)
    for name, parameter in PARAMETERS.items():
        message = SiteParameter(name=name, meaning=parameter.meaning, profile_value=parameter.shown(profile))
        message.value = message.profile_value
        own = kept.get(name)
        if own is not None:
            message.value = parameter.shown(parameter.read(own["value"]))
            message.author, message.reason = own["author"], own["reason"]
            message.settled_at.FromDatetime(datetime.fromisoformat(own["at"]))
        yield message


def _check(parameter: Parameter, value: str) -> Profile:
    try:
        return parameter.read(value)
    except UnreadableValue as error:
        raise InvalidInput(f"« {value} » ne convient pas : {error}") from error
