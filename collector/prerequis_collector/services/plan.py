"""What the machines of a site are asked to reach, and the rate that the site needs."""

from prerequis.v1.measurement_pb2 import GetPlanResponse, Target
from prerequis.v1.register_pb2 import Profile
from prerequis_collector.config import Address
from prerequis_collector.store.sites import SiteRow
from prerequis_rules.pack import Pack


def profile_of(pack: Pack, site: SiteRow) -> Profile:
    """Return the site's profile; one that the pack does not know has no value at all, so that nothing passes by it."""
    try:
        return pack.profile(site.profile)
    except KeyError:
        return Profile(id=site.profile)


def demand_bits_per_second(profile: Profile, site: SiteRow) -> float:
    """Return simultaneous users × rate per user, in bits per second; 0 when either is not known."""
    return (site.simultaneous_users or 0) * profile.bits_per_second_per_user


def plan_of(pack: Pack, site: SiteRow, collector: Address) -> GetPlanResponse:
    """Return the profile's hosts, the collector in place of an empty name, and the site's demand."""
    profile = profile_of(pack, site)
    targets = [
        Target(host=host.host, port=host.port, purpose=host.purpose)
        if host.host
        else Target(host=collector.host, port=collector.port, purpose=host.purpose)
        for host in profile.hosts
    ]
    return GetPlanResponse(targets=targets, demand_bits_per_second=demand_bits_per_second(profile, site))
