"""What a lease lets move, and how long it lives."""

import threading

import pytest

from prerequis.v1.line_pb2 import CAPACITY, LATENCY, LINE_METHOD_UNSPECIFIED, SUFFICIENCY, LineMethod
from prerequis_collector.errors import LeaseLost
from prerequis_collector.services.lease import (
    FIRST_STREAM_SECONDS,
    GRACE_SECONDS,
    SHARE,
    TIME_TO_LIVE_SECONDS,
    Lease,
    Leases,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def given(leases: Leases, agent: str = "a", size: int = 1000, load: float = 0.0) -> Lease:
    lease = Lease(agent, f"of {agent}", size, SUFFICIENCY, load_bits_per_second=load)
    leases.give(lease)
    return lease


def test_a_lease_that_ended_is_worth_nothing_and_is_told_of_once() -> None:
    clock = Clock()
    leases = Leases(clock)
    lease = given(leases)
    clock.now = TIME_TO_LIVE_SECONDS
    with pytest.raises(LeaseLost):
        leases.spend("a", lease.token, "down", 1)
    assert leases.next_ended() is lease
    assert leases.next_ended() is None


def test_an_end_that_could_not_be_noted_is_told_of_again() -> None:
    leases = Leases(clock := Clock())
    lease = given(leases)
    clock.now = TIME_TO_LIVE_SECONDS
    assert leases.next_ended() is lease
    leases.put_back(lease)
    assert leases.next_ended() is lease


@pytest.mark.parametrize("method", [SUFFICIENCY, CAPACITY, LINE_METHOD_UNSPECIFIED])
def test_a_lease_whose_first_connection_does_not_come_ends_sooner(method: LineMethod.ValueType) -> None:
    clock = Clock()
    leases = Leases(clock)
    lease = Lease("a", "of a", 1000, method)
    leases.give(lease)
    clock.now = FIRST_STREAM_SECONDS - 0.1
    assert leases.find("a", lease.token) is lease
    clock.now = FIRST_STREAM_SECONDS
    assert leases.next_ended() is lease
    assert FIRST_STREAM_SECONDS < TIME_TO_LIVE_SECONDS / 2


def test_a_test_of_latency_opens_no_connection_and_has_the_full_time() -> None:
    clock = Clock()
    leases = Leases(clock)
    lease = Lease("a", "of a", 1000, LATENCY)
    leases.give(lease)
    clock.now = TIME_TO_LIVE_SECONDS - 0.1
    assert leases.find("a", lease.token) is lease


def test_bytes_that_move_renew_the_lease() -> None:
    clock = Clock()
    leases = Leases(clock)
    lease = given(leases)
    clock.now = FIRST_STREAM_SECONDS - 1
    leases.spend("a", lease.token, "up", 1)
    clock.now += TIME_TO_LIVE_SECONDS - 1
    leases.renew("a", lease.token)
    clock.now += TIME_TO_LIVE_SECONDS - 1
    assert leases.find("a", lease.token) is lease


def test_a_spent_lease_is_not_renewed_by_asking_for_more() -> None:
    clock = Clock()
    leases = Leases(clock)
    lease = given(leases, size=1)
    assert leases.spend("a", lease.token, "up", 5) == 1
    clock.now = TIME_TO_LIVE_SECONDS - 0.1
    assert leases.spend("a", lease.token, "up", 5) == 0
    clock.now = TIME_TO_LIVE_SECONDS
    with pytest.raises(LeaseLost):
        leases.find("a", lease.token)


def test_each_direction_has_its_own_bytes() -> None:
    leases = Leases(Clock())
    lease = given(leases, size=10)
    assert leases.spend("a", lease.token, "down", 25) == 10
    assert leases.spend("a", lease.token, "down", 1) == 0
    assert leases.spend("a", lease.token, "up", 4) == 4
    assert lease.bytes_moved == 14


def test_soon_after_its_last_connection_a_lease_ends() -> None:
    clock = Clock()
    leases = Leases(clock)
    lease = given(leases)
    with leases.connection("a", lease.token):
        with leases.connection("a", lease.token):
            pass
        clock.now = GRACE_SECONDS + 1
        leases.spend("a", lease.token, "down", 1)
    clock.now += GRACE_SECONDS - 1
    assert leases.find("a", lease.token) is lease
    clock.now += 1
    assert leases.next_ended() is lease


def test_the_next_connection_of_a_test_keeps_the_lease() -> None:
    clock = Clock()
    leases = Leases(clock)
    lease = given(leases)
    with leases.connection("a", lease.token):
        pass
    with leases.connection("a", lease.token):
        leases.spend("a", lease.token, "up", 1)
        clock.now = TIME_TO_LIVE_SECONDS - 1
        assert leases.find("a", lease.token) is lease


def test_the_token_of_another_machine_gives_nothing() -> None:
    leases = Leases(Clock())
    lease = given(leases)
    assert leases.release("b", lease.token) is None
    for use in (leases.find, leases.renew):
        with pytest.raises(LeaseLost):
            use("b", lease.token)
    with pytest.raises(LeaseLost), leases.connection("b", lease.token):
        pass
    assert leases.release("a", lease.token) is lease
    assert leases.release("a", lease.token) is None
    assert leases.next_ended() is None


def test_a_machine_has_one_lease_and_its_earlier_one_ends() -> None:
    leases = Leases(Clock())
    first, second = given(leases), given(leases)
    assert leases.next_ended() is first
    assert leases.live() == [second]


def test_the_uplink_bears_half_of_itself_but_always_one_test() -> None:
    leases = Leases(Clock(), uplink_bits_per_second=100e6)
    assert leases.has_room(400e6)
    given(leases, "a", load=30e6)
    assert leases.has_room(SHARE * 100e6 - 30e6)
    # A machine that asks again gives up what it had.
    assert leases.has_room(400e6, "a")
    assert not leases.has_room(SHARE * 100e6 - 30e6 + 1)
    assert leases.server_load() == pytest.approx(0.3)


def test_many_threads_never_move_more_than_the_lease_gives() -> None:
    leases = Leases()
    lease = given(leases, size=10_000)
    got: list[int] = []

    def drain() -> None:
        while granted := leases.spend("a", lease.token, "down", 7):
            got.append(granted)

    threads = [threading.Thread(target=drain) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 10_000
