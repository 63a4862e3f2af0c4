"""What the machines of a site are asked to reach, and the rate that the site needs."""

import json

from prerequis.v1.measurement_pb2 import GetPlanResponse, Target
from prerequis.v1.register_pb2 import Profile
from prerequis_collector.config import Address
from prerequis_collector.store.sites import SiteRow
from prerequis_rules.context import laid_over
from prerequis_rules.pack import Pack
from prerequis_rules.parameters import PARAMETERS


def profile_of(pack: Pack, site: SiteRow) -> Profile:
    """Return the profile that the site is judged by: its editor's, with what the site settled for itself laid over."""
    profile = editor_profile(pack, site)
    for name, own in settled(site).items():
        profile = laid_over(profile, PARAMETERS[name].read(own["value"]))
    return profile


def settled(site: SiteRow) -> dict[str, dict[str, str]]:
    """Return what the site settled for itself, by parameter: value, author, at, reason."""
    kept: dict[str, dict[str, str]] = json.loads(site.parameters) if site.parameters else {}
    return kept


def editor_profile(pack: Pack, site: SiteRow) -> Profile:
    """Return the editor's profile; one that the pack does not know has no value, so that nothing passes by it."""
    try:
        return pack.profile(site.profile)
    except KeyError:
        return Profile(id=site.profile)


def demand_bits_per_second(profile: Profile, site: SiteRow) -> float:
    """Return users × rate per user, in bits per second; 0 when either is not known.

    Where nobody counted who works at the same time, one user on each device that the site needs, as the rules of the
    line have it.
    """
    everybody = profile.users == Profile.EVERYBODY
    users = site.professionals if everybody else site.simultaneous_users
    if users is None and site.professionals is not None and profile.professionals_per_device > 0:
        users = -(-site.professionals // profile.professionals_per_device)
    return (users or 0) * profile.bits_per_second_per_user


def plan_of(pack: Pack, site: SiteRow, collector: Address, *, national: bool = True) -> GetPlanResponse:
    """Return the hosts to ask and the site's demand; `national`: with the services that every site needs."""
    profile = profile_of(pack, site)
    demand = demand_bits_per_second(profile, site)
    return GetPlanResponse(
        targets=targets(pack, profile, collector, national=national),
        demand_bits_per_second=demand,
        librespeed_url=profile.librespeed_url,
    )


def targets(pack: Pack, profile: Profile, collector: Address, *, national: bool) -> list[Target]:
    """Return the profile's hosts, the collector in place of an empty name, then the national services, each once."""
    asked = {
        (host.host, host.port): Target(host=host.host, port=host.port, purpose=host.purpose, protocol=host.protocol)
        if host.host
        else Target(host=collector.host, port=collector.port, purpose=host.purpose)
        for host in profile.hosts
    }
    for one in pack.knowledge.services if national else ():
        target = Target(host=one.host, port=one.port, purpose=one.purpose, protocol=one.protocol, path=one.path)
        asked.setdefault((one.host, one.port), target)
    return list(asked.values())
