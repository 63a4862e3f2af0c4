"""Why PC/SC does not show a reader: the cause nearest to the technician, with what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerequis.v1.facts_pb2 import Facts, Reader, Smartcard, System
from prerequis.v1.middleware_pb2 import Middleware, RegisteredCard, RegisteredCards
from prerequis_rules.smartcard_chain import is_registered, why_unseen

RUNNING, STOPPED, ABSENT, REFUSED = Smartcard.RUNNING, Smartcard.STOPPED, Smartcard.ABSENT, Smartcard.REFUSED
WINDOWS, LINUX, MACOS = System.WINDOWS, System.LINUX, System.MACOS
UNSEEN, NOT_ASKED = Reader(seen_by_pcsc=False), Reader()


def facts(
    family: System.Family.ValueType,
    service: Smartcard.Service.ValueType,
    middleware: Middleware | None = None,
    release: str = "",
) -> Facts:
    return Facts(
        system=System(family=family, release=release), smartcard=Smartcard(service=service), middleware=middleware
    )


AWAY = Middleware(remote_session=True)
FORBIDDEN, ON_DEMAND = (Middleware(service_start=start) for start in (Middleware.DISABLED, Middleware.ON_DEMAND))


@pytest.mark.parametrize(
    ("reader", "seen", "cause", "action"),
    [
        (UNSEEN, facts(WINDOWS, RUNNING, AWAY), "session à distance", "au poste lui-même"),
        (NOT_ASKED, facts(LINUX, ABSENT), "non installé", "pcscd"),
        (NOT_ASKED, facts(WINDOWS, STOPPED, FORBIDDEN), "désactivé", "SCardSvr"),
        (NOT_ASKED, facts(LINUX, STOPPED, FORBIDDEN), "masqué", "unmask"),
        (NOT_ASKED, facts(WINDOWS, STOPPED, ON_DEMAND), "arrêté", "services.msc"),
        (NOT_ASKED, facts(LINUX, STOPPED), "arrêté", "systemctl start"),
        (NOT_ASKED, facts(LINUX, REFUSED), "accès refusé", "polkit"),
        (Reader(seen_by_pcsc=False, problem_code=28), facts(WINDOWS, RUNNING), "aucun pilote", "Usbccid"),
        (Reader(seen_by_pcsc=False, problem_code=22), facts(WINDOWS, RUNNING), "désactivé", "réactiver"),
        (Reader(seen_by_pcsc=False, problem_code=99), facts(WINDOWS, RUNNING), "code 99", "pilote"),
        (Reader(seen_by_pcsc=False, kernel_driver="pn533_usb"), facts(LINUX, RUNNING), "pn533_usb", "blacklist pn533"),
        (Reader(seen_by_pcsc=False, driver_installed=False), facts(LINUX, RUNNING), "libccid absent", "libccid"),
        (UNSEEN, facts(MACOS, RUNNING, release="15.1"), "Apple", "useIFDCCID"),
        (
            UNSEEN,
            facts(MACOS, RUNNING, release="15.1", middleware=Middleware(ifd_ccid_chosen=True)),
            "inconnue",
            "Rebrancher",
        ),
        (UNSEEN, facts(MACOS, RUNNING, release="13.6"), "inconnue", "hub"),
        (UNSEEN, facts(WINDOWS, RUNNING), "inconnue", "hub"),
        (
            Reader(seen_by_pcsc=False, kernel_driver="usbfs", driver_installed=True),
            facts(LINUX, RUNNING),
            "inconnue",
            "hub",
        ),
    ],
)
def test_a_reader_that_is_not_seen_has_a_likely_cause_and_a_remedy(
    reader: Reader, seen: Facts, cause: str, action: str
) -> None:
    found = why_unseen(reader, seen, needs_vendor_driver=False)
    assert found and cause in found.told
    assert action in found.remedy


def test_a_driver_with_known_faults_is_the_cause_where_nothing_else_is() -> None:
    found = why_unseen(UNSEEN, facts(LINUX, RUNNING), needs_vendor_driver=True)
    assert found and "défauts connus" in found.told


@pytest.mark.parametrize("reader", [Reader(seen_by_pcsc=True), NOT_ASKED])
def test_a_reader_that_is_seen_or_was_not_asked_for_has_no_cause(reader: Reader) -> None:
    assert why_unseen(reader, facts(LINUX, RUNNING), needs_vendor_driver=True) is None


def test_nothing_is_told_where_nothing_is_known_of_the_service() -> None:
    assert why_unseen(NOT_ASKED, Facts(), needs_vendor_driver=True) is None
    assert why_unseen(UNSEEN, Facts(), needs_vendor_driver=True) is None


@given(st.builds(Reader, problem_code=st.integers(0, 60), kernel_driver=st.text("abc_", max_size=6)))
def test_every_cause_is_a_sentence_with_something_to_do(reader: Reader) -> None:
    reader.seen_by_pcsc = False
    found = why_unseen(reader, facts(LINUX, RUNNING), needs_vendor_driver=False)
    assert found and found.told and found.remedy.endswith(".")


# Annexe B of the ANS's specification of its MSI, and what it takes, as tried on the answers to reset of CPx cards.
MASKED = RegisteredCard(
    atr=bytes.fromhex("3B00000000001225006480000000009000"),
    mask=bytes.fromhex("FF00000000FFFFFFFFFFFF000000FFFFFF"),
    csp=True,
    minidriver=False,
)


@pytest.mark.parametrize(
    ("atr", "registered"),
    [
        ("3BAC00402A001225006480000310009000", True),
        ("3BAC00402A001225006480820212009000", True),
        ("3BDC18FF00001225006480000401009000", True),
        ("3B9B188001001225006480040100009044", False),
        ("3B751300004509EA9000", False),
        ("", False),
    ],
)
def test_the_mask_of_the_ans_takes_the_cards_that_it_is_known_to_take(atr: str, registered: bool) -> None:
    assert is_registered(bytes.fromhex(atr), RegisteredCards(cards=[MASKED])) is registered


@given(st.binary(max_size=33), st.binary(max_size=33), st.binary(max_size=33))
def test_any_bytes_are_registered_or_not(atr: bytes, other: bytes, mask: bytes) -> None:
    card = RegisteredCard(atr=other, mask=mask, csp=True, minidriver=False)
    assert is_registered(atr, RegisteredCards(cards=[card])) in (True, False)
    assert is_registered(atr, RegisteredCards(cards=[RegisteredCard(atr=atr, mask=b"", csp=True)])) is True
