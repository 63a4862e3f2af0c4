"""What the lifecycle tables and the list of cards say, and what they leave open."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.shipped import shipped_pack

from prerequis.v1.context_pb2 import Derived, DerivedCard, OsLifecycle
from prerequis.v1.facts_pb2 import Facts, Reader, Smartcard, System
from prerequis_rules.derive import card_of, derive, reader_of
from prerequis_rules.messages import moment
from prerequis_rules.pack import Pack

PACK = shipped_pack()
NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


def windows(build: int | None = None, edition: str | None = None, revision: int | None = None) -> System:
    return System(
        family=System.WINDOWS, build=build, edition=edition, build_revision=revision, product=System.WORKSTATION
    )


def linux(distribution: str | None, release: str | None) -> System:
    return System(family=System.LINUX, distribution=distribution, release=release)


def lifecycle(name: str | None, supported: bool | None, end: datetime | None) -> OsLifecycle:
    return OsLifecycle(name=name, supported=supported, end_of_support=moment(end) if end else None)


def day(year: int, month: int, of_month: int) -> datetime:
    return datetime(year, month, of_month, tzinfo=UTC)


PRO, ENTERPRISE, PAID = "Fenêtres 1 Pro", "Fenêtres 1 Entreprise", "Fenêtres 0"
TODAY, NEXT_YEAR = day(2026, 11, 22), day(2027, 11, 22)

SYSTEMS = [
    ("the last day of support", windows(100, "Professional"), lifecycle(PRO, True, TODAY)),
    ("the edition decides", windows(100, "Enterprise"), lifecycle(ENTERPRISE, True, NEXT_YEAR)),
    ("an edition of no row", windows(100, "EnterpriseS"), lifecycle(None, None, None)),
    ("an edition that is not known", windows(100), lifecycle(None, True, None)),
    ("a build of no row", windows(101, "Professional"), lifecycle(None, None, None)),
    ("a build that is not known", windows(), lifecycle(None, None, None)),
    ("a paid extension that may have been bought", windows(50), lifecycle(PAID, None, day(2020, 1, 1))),
    ("a paid extension, no paid update", windows(50, revision=10), lifecycle(PAID, False, day(2020, 1, 1))),
    ("a paid extension, perhaps a paid update", windows(50, revision=11), lifecycle(PAID, None, day(2020, 1, 1))),
    ("no end announced, still told", windows(200), lifecycle("Fenêtres 2", True, None)),
    ("a free extension", linux("essai", "1"), lifecycle("Essai 1", True, day(2027, 1, 1))),
    ("a point release", linux("essai", "1.8"), lifecycle("Essai 1", True, day(2027, 1, 1))),
    ("another release that begins alike", linux("essai", "12"), lifecycle(None, None, None)),
    ("another distribution", linux("autre", "1"), lifecycle(None, None, None)),
    ("a distribution that is not known", linux(None, "1"), lifecycle(None, None, None)),
    ("a release that is not known", linux("essai", None), lifecycle(None, None, None)),
    ("a family that is not known", System(build=100), lifecycle(None, None, None)),
]


@pytest.mark.parametrize(("system", "expected"), [row[1:] for row in SYSTEMS], ids=[row[0] for row in SYSTEMS])
def test_support_is_told_only_where_every_row_that_may_be_meant_agrees(
    pack: Pack, system: System, expected: OsLifecycle
) -> None:
    assert derive(Facts(system=system), pack.knowledge, NOW).os == expected


def test_support_ends_after_its_last_day(pack: Pack) -> None:
    tomorrow = day(2026, 11, 23)
    pro = Facts(system=windows(100, "Professional"))
    assert derive(pro, pack.knowledge, tomorrow).os.supported is False
    either = derive(Facts(system=windows(100)), pack.knowledge, tomorrow).os
    assert not either.HasField("supported")


def test_a_row_without_an_announced_end_falls_silent(pack: Pack) -> None:
    derived = derive(Facts(system=windows(200)), pack.knowledge, day(2027, 1, 1))
    assert derived.os == OsLifecycle(name="Fenêtres 2")


def test_the_last_days_of_a_row_count(pack: Pack) -> None:
    silent_after = derive(Facts(system=windows(200)), pack.knowledge, day(2026, 12, 31)).os
    assert silent_after.supported
    paid_until = Facts(system=windows(50))
    assert not derive(paid_until, pack.knowledge, day(2027, 1, 1)).os.HasField("supported")
    assert derive(paid_until, pack.knowledge, day(2027, 1, 2)).os.supported is False
    assert derive(paid_until, pack.knowledge, day(2027, 1, 2)).os.HasField("supported")


SERVER = System(family=System.WINDOWS, build=100, build_revision=104, product=System.SERVER)
JUNE, JULY = day(2026, 6, 9), day(2026, 7, 14)

UPDATES = [
    ("older than all", windows(100, revision=4), None, JUNE),
    ("the first", windows(100, revision=5), JUNE, JULY),
    ("between two", windows(100, revision=8), JUNE, JULY),
    ("the newest", windows(100, revision=9), JULY, None),
    ("newer than all", windows(100, revision=10), JULY, None),
    ("a server has its own", SERVER, None, day(2026, 6, 10)),
    ("workstations and servers alike", windows(200, revision=5), day(2026, 6, 11), None),
    ("product not known", System(family=System.WINDOWS, build=100, build_revision=9), None, None),
    ("revision not known", windows(100), None, None),
    ("a build of no branch", windows(101, revision=5), None, None),
    ("another family", System(family=System.LINUX, build=200, build_revision=4), None, None),
]


@pytest.mark.parametrize(
    ("system", "published", "missed"), [row[1:] for row in UPDATES], ids=[row[0] for row in UPDATES]
)
def test_a_revision_tells_which_monthly_update_is_there_and_which_is_missing(
    pack: Pack, system: System, published: datetime | None, missed: datetime | None
) -> None:
    derived = derive(Facts(system=system), pack.knowledge, NOW).os
    assert derived.HasField("update_published") is (published is not None)
    assert derived.HasField("update_missed") is (missed is not None)
    assert published is None or derived.update_published == moment(published)
    assert missed is None or derived.update_missed == moment(missed)


def test_nothing_is_derived_of_what_was_not_looked_at(pack: Pack) -> None:
    assert derive(Facts(), pack.knowledge, NOW) == Derived()


def test_there_is_one_card_for_each_reader_that_is_not_known_to_be_empty(pack: Pack) -> None:
    readers = [
        Reader(card_present=True, atr=bytes.fromhex("3BAC00402A001225006480000310009000")),
        Reader(card_present=False),
        Reader(card_present=True, card_mute=True),
        Reader(seen_by_pcsc=False),
    ]
    derived = derive(Facts(smartcard=Smartcard(readers=readers)), pack.knowledge, NOW)
    cps3 = DerivedCard(kind="cps3", is_cpx=True, name="CPS3", generation="cps3")
    assert list(derived.cards) == [cps3, DerivedCard(), DerivedCard()]
    assert len(derived.readers) == len(readers)


TWIN, NFC = Reader(usb_vendor=0x08E6, usb_product=0x3437), Reader(usb_vendor=0x072F, usb_product=0x2200)


@pytest.mark.parametrize(
    ("reader", "family", "needs"),
    [
        (TWIN, System.WINDOWS, False),
        (TWIN, System.FAMILY_UNSPECIFIED, False),
        (NFC, System.LINUX, True),
        (NFC, System.WINDOWS, None),
        (NFC, System.FAMILY_UNSPECIFIED, None),
        (Reader(name="Lecteur"), System.LINUX, None),
        (Reader(usb_vendor=0x08E6, usb_product=0x2200), System.LINUX, None),
    ],
)
def test_a_listed_reader_needs_its_makers_driver_only_where_that_is_known(
    shipped: Pack, reader: Reader, family: System.Family.ValueType, needs: bool | None
) -> None:
    derived = reader_of(reader, System(family=family), shipped.knowledge)
    assert (derived.needs_vendor_driver if derived.HasField("needs_vendor_driver") else None) is needs
    assert derived.HasField("model") == (reader in (TWIN, NFC))


# The pack is no argument: Hypothesis writes down all arguments of an explicit example, to the last of the pack's rules.
@settings(max_examples=30)
@given(st.binary(max_size=40))
@example(b"")
@example(bytes.fromhex("3BAC00402A001225006480000310009000"))
@example(bytes.fromhex("3B001225006480"))
@example(bytes.fromhex("3B751300004309EA9000"))
def test_any_bytes_are_a_card_of_some_kind_and_never_a_false_cpx(atr: bytes) -> None:
    card = card_of(atr, PACK.knowledge)
    assert card.kind and card.name
    assert card.HasField("generation") == card.is_cpx
    if card.is_cpx:
        assert any(atr == pattern.atr and pattern.is_cpx for pattern in PACK.knowledge.cards)


@given(st.binary(max_size=10), st.binary(max_size=10))
def test_the_mark_of_the_issuer_on_an_unlisted_card_is_neither_yes_nor_no(
    shipped: Pack, before: bytes, after: bytes
) -> None:
    card = card_of(before + bytes.fromhex("001225006480") + after, shipped.knowledge)
    assert card.kind.startswith("cp")
    assert card.HasField("is_cpx") == (card.kind != "cpx-probable")


REAL = [
    (windows(26200, "Professional"), True),
    (windows(26100, "Professional"), False),
    (windows(26100, "Enterprise"), True),
    (windows(26100, "EnterpriseS"), True),
    (windows(19045, "Professional"), None),
    (windows(19045, "Professional", 6456), False),
    (windows(7601, "Professional"), False),
    (linux("debian", "12"), True),
    (linux("debian", "11"), False),
    (linux("ubuntu", "24.04"), True),
    (linux("ubuntu", "20.04"), None),
    (System(family=System.MACOS, distribution="macos", release="15.7.9"), True),
    (System(family=System.MACOS, distribution="macos", release="13.7.8"), False),
]


@pytest.mark.parametrize(("system", "supported"), REAL, ids=lambda value: str(value).replace("\n", " "))
def test_the_shipped_tables_know_the_releases_of_today(shipped: Pack, system: System, supported: bool | None) -> None:
    derived = derive(Facts(system=system), shipped.knowledge, NOW).os
    assert (derived.supported if derived.HasField("supported") else None) is supported
    assert derived.name
