"""One measuring machine per site and egress address."""

import pytest

from prerequis_collector.errors import LeaseLost
from prerequis_collector.services.lease import TIME_TO_LIVE_SECONDS, Busy, Lease, Leases

SITE, EGRESS = "330000019", "192.0.2.1"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _acquired(leases: Leases, agent: str, site: str = SITE, egress: str = EGRESS, demand: float = 0) -> Lease:
    lease = leases.acquire(agent, site, egress, demand)
    assert isinstance(lease, Lease)
    return lease


def test_a_second_machine_waits_until_the_first_is_done() -> None:
    clock = Clock()
    leases = Leases(clock)
    first = _acquired(leases, "a")
    clock.now = 10
    assert leases.acquire("b", SITE, EGRESS, 0) == Busy(TIME_TO_LIVE_SECONDS - 10)
    leases.release("a", first.token)
    _acquired(leases, "b")


def test_another_egress_address_or_another_site_measures_at_the_same_time() -> None:
    leases = Leases(Clock())
    _acquired(leases, "a")
    _acquired(leases, "b", egress="198.51.100.1")
    _acquired(leases, "c", site="330000027")


def test_a_lease_that_ended_is_taken_over_and_worth_nothing() -> None:
    clock = Clock()
    leases = Leases(clock)
    first = _acquired(leases, "a")
    clock.now = TIME_TO_LIVE_SECONDS
    second = _acquired(leases, "b")
    with pytest.raises(LeaseLost):
        leases.spend("a", first.token, "down", 1)
    assert leases.spend("b", second.token, "down", 1) == 1


def test_a_renewed_lease_lives_for_its_full_time_again() -> None:
    clock = Clock()
    leases = Leases(clock)
    lease = _acquired(leases, "a")
    clock.now = 20
    leases.renew("a", lease.token)
    clock.now = 20 + TIME_TO_LIVE_SECONDS - 1
    assert isinstance(leases.acquire("b", SITE, EGRESS, 0), Busy)


def test_a_machine_that_asks_again_takes_over_its_own_lease() -> None:
    leases = Leases(Clock())
    first = _acquired(leases, "a")
    second = _acquired(leases, "a")
    with pytest.raises(LeaseLost):
        leases.renew("a", first.token)
    leases.renew("a", second.token)


def test_the_token_of_another_machine_gives_nothing() -> None:
    leases = Leases(Clock())
    lease = _acquired(leases, "a")
    leases.release("b", lease.token)
    with pytest.raises(LeaseLost):
        leases.spend("b", lease.token, "up", 1)
    assert leases.spend("a", lease.token, "up", 1) == 1


@pytest.mark.parametrize(("demand", "least", "most"), [(0, 16e6, 16e6), (100e6, 31.25e6, 40e6), (10e9, 64e6, 64e6)])
def test_the_bytes_of_a_lease_follow_the_demand_within_bounds(demand: float, least: float, most: float) -> None:
    leases = Leases(Clock())
    lease = _acquired(leases, "a", demand=demand)
    assert least <= lease.bytes_per_direction <= most
    assert leases.spend("a", lease.token, "down", 10**9) == lease.bytes_per_direction
    assert leases.spend("a", lease.token, "down", 1) == 0
    assert leases.spend("a", lease.token, "up", 1) == 1
