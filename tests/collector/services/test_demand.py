"""What a site's line must carry, from whom its profile counts as a user."""

import pytest

from prerequis.v1.register_pb2 import Profile
from prerequis_collector.services.plan import demand_bits_per_second
from prerequis_collector.store.sites import SiteRow


@pytest.mark.parametrize(
    ("users", "professionals", "simultaneous", "served"),
    [
        (Profile.SIMULTANEOUS, 30, 12, 12),
        (Profile.SIMULTANEOUS, 31, None, 11),
        (Profile.SIMULTANEOUS, None, None, 0),
        (Profile.USERS_UNSPECIFIED, 30, 12, 12),
        (Profile.EVERYBODY, 30, 12, 30),
        (Profile.EVERYBODY, None, 12, 0),
    ],
)
def test_a_line_serves_those_whom_the_profile_counts(
    users: Profile.Users.ValueType, professionals: int | None, simultaneous: int | None, served: int
) -> None:
    profile = Profile(bits_per_second_per_user=2e6, professionals_per_device=3, users=users)
    site = SiteRow(finess="590000001", name="Essai", professionals=professionals, simultaneous_users=simultaneous)
    assert demand_bits_per_second(profile, site) == served * 2e6
