"""Dated facts about the world: until when releases are supported, what answers to reset say, what readers are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from prerequis.v1.register_pb2 import Profile
from prerequis.v1.services_pb2 import TLS, ServiceProtocol
from prerequis_rules.schema import Document, Table


class Extension(StrEnum):
    """Who gets the maintenance that goes on after the end of support."""

    FREE = "free"
    PAID = "paid"


class ReaderKind(StrEnum):
    """What a reader is, or is built into."""

    CONTACT = "contact"
    CONTACTLESS = "contactless"
    DUAL = "dual"
    PINPAD = "pinpad"
    KEYBOARD = "keyboard"


class Libccid(StrEnum):
    """What the makers of libccid say of a reader."""

    SUPPORTED = "supported"
    SHOULD_WORK = "should-work"
    UNSUPPORTED = "unsupported"


class Family(StrEnum):
    """The operating systems that lifecycle tables speak of."""

    WINDOWS = "windows"
    LINUX = "linux"
    MACOS = "macos"


class _Protocol(StrEnum):
    TLS = "TLS"
    MUTUAL_TLS = "MUTUAL_TLS"
    CRL = "CRL"
    OCSP = "OCSP"
    TCP = "TCP"


class _Insi(StrEnum):
    CARD = "CARD"
    SERVER_CERTIFICATE = "SERVER_CERTIFICATE"


@dataclass(frozen=True, slots=True)
class Release:
    """One row of a lifecycle table; Windows is matched by build, product and edition, others by distribution."""

    family: Family
    name: str
    build: int | None
    product: str | None
    editions: tuple[str, ...]
    """Shell patterns over EditionID; empty: every edition."""
    distribution: str | None
    release: str | None
    """The first components of the version."""
    end_of_support: date | None
    known_until: date | None
    """Where no end is announced: the last day on which the row says anything."""
    extended: date | None
    extension: Extension | None
    last_free_revision: int | None
    """In a paid extension: a revision that is not above this one received none of the paid updates."""


class MonthlyUpdate(NamedTuple):
    """A cumulative update of Windows: who has its revision (UBR), or a higher one, has it."""

    published: date
    revision: int


@dataclass(frozen=True, slots=True)
class UpdateBranch:
    """The monthly updates of the builds of Windows that get the same ones."""

    builds: tuple[int, ...]
    product: str | None
    """None: workstations and servers alike."""
    updates: tuple[MonthlyUpdate, ...]
    """The oldest first."""


@dataclass(frozen=True, slots=True)
class ProgramRelease:
    """One row of the lifecycle table of programs."""

    id: str
    name: str
    products: tuple[str, ...]
    """Shell patterns over the product id; empty: every product."""
    channel: str | None
    version: str | None
    """The first components of the version."""
    before: tuple[int, ...] | None
    """Versions lower than this one."""
    since: tuple[int, ...] | None
    """Versions not lower than this one."""
    end_of_support: date | None
    known_until: date | None
    """Where no end is announced: the last day on which the row says anything."""
    extended: date | None
    """Last day of a paid maintenance."""


@dataclass(frozen=True, slots=True)
class CardPattern:
    """What an answer to reset (ATR) says of a card: the whole ATR, under a mask if any, or bytes inside it."""

    kind: str
    name: str
    """In French, as a technician is told."""
    generation: str | None
    is_cpx: bool | None
    atr: bytes | None
    mask: bytes | None
    contains: bytes | None

    def matches(self, atr: bytes) -> bool:
        """Return whether an ATR is one of those meant."""
        if self.contains is not None:
            return self.contains in atr
        if self.atr is None or len(atr) != len(self.atr):
            return False
        mask = self.mask or b"\xff" * len(self.atr)
        return all((a ^ b) & m == 0 for a, b, m in zip(atr, self.atr, mask, strict=True))


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """A smart-card reader by its USB ids."""

    vendor: int
    product: int
    model: str
    kind: ReaderKind | None
    libccid: Libccid


@dataclass(frozen=True, slots=True)
class NationalService:
    """A host that establishments need, whoever edits their DUI."""

    host: str
    port: int
    protocol: ServiceProtocol.ValueType
    path: str
    """What is asked over HTTP; empty for the other protocols."""
    purpose: str
    name: str
    """In French, as a network administrator is told."""
    essential: bool
    """The DUI's own sources need it; the others are for comfort or for later."""
    insi: Profile.Insi.ValueType
    """The way of calling INSi that needs it; unspecified: whichever."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file of knowledge comes from, and of which day it is; the titles of documents do not age."""

    file: str
    source: str
    dated: date


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that is known, in the order of the files."""

    releases: tuple[Release, ...] = ()
    programs: tuple[ProgramRelease, ...] = ()
    cards: tuple[CardPattern, ...] = ()
    readers: tuple[ReaderModel, ...] = ()
    services: tuple[NationalService, ...] = ()
    issuers: tuple[str, ...] = ()
    """What the issuer of a national service's certificate may contain besides the world's public authorities."""
    documents: Mapping[str, str] = field(default_factory=dict)
    """The titles of the documents that rules quote, by id."""
    origins: tuple[Origin, ...] = ()
    branches: tuple[UpdateBranch, ...] = ()


def read_knowledge(documents: list[Document]) -> Knowledge:
    """Return what the knowledge files say; one that is none of the lists known here is not read."""
    releases: list[Release] = []
    programs: list[ProgramRelease] = []
    cards: list[CardPattern] = []
    readers: list[ReaderModel] = []
    services: list[NationalService] = []
    issuers: list[str] = []
    titles: dict[str, str] = {}
    origins: list[Origin] = []
    branches: list[UpdateBranch] = []
    for document in documents:
        root = document.root
        if any(map(root.has, ("release", "branch", "application", "card", "reader", "service", "document"))):
            origin = Origin(document.file, root.text("source"), root.day("dated"))
            if not root.has("document"):
                origins.append(origin)
            root.optional_text("commit")
            root.optional_text("licence")
        if root.has("release"):
            family = root.choice("family", Family)
            releases.extend(_release(row, family) for row in root.tables("release"))
            root.close()
        elif root.has("branch"):
            branches.extend(_branch(row) for row in root.tables("branch"))
            root.close()
        elif root.has("application"):
            programs.extend(_program(row) for row in root.tables("application"))
            root.close()
        elif root.has("card"):
            cards.extend(_card(row) for row in root.tables("card"))
            root.close()
        elif root.has("reader"):
            readers.extend(_reader(row) for row in root.tables("reader"))
            root.close()
        elif root.has("document"):
            for row in root.tables("document"):
                titles[row.text("id")] = row.text("title")
                row.close()
            root.close()
        elif root.has("service"):
            issuers.extend(root.texts("issuers"))
            services.extend(_service(row) for row in root.tables("service"))
            root.close()
    return Knowledge(
        tuple(releases),
        tuple(programs),
        tuple(cards),
        tuple(readers),
        tuple(services),
        tuple(issuers),
        titles,
        tuple(origins),
        tuple(branches),
    )


def _release(row: Table, family: Family) -> Release:
    windows = family is Family.WINDOWS
    release = Release(
        family=family,
        name=row.text("name"),
        build=row.integer("build") if windows else None,
        product=row.text("product") if windows else None,
        editions=row.optional_texts("editions"),
        distribution=None if windows else row.text("distribution"),
        release=None if windows else row.text("release"),
        end_of_support=row.optional_day("end_of_support"),
        known_until=row.optional_day("known_until"),
        extended=row.optional_day("extended"),
        extension=row.choice("extension", Extension) if row.has("extended") else None,
        last_free_revision=row.optional_integer("last_free_revision"),
    )
    if release.end_of_support is None and release.known_until is None:
        row.report("known_until", "il faut « end_of_support » ou « known_until »")
    row.close()
    return release


def _branch(row: Table) -> UpdateBranch:
    branch = UpdateBranch(
        builds=row.integers("builds"),
        product=row.optional_text("product"),
        updates=tuple(_update(one) for one in row.tables("updates")),
    )
    pairs = pairwise(branch.updates)
    if any(one.published >= other.published or one.revision >= other.revision for one, other in pairs):
        row.report("updates", "« updates » doit aller de la plus ancienne à la plus récente, révisions croissantes")
    row.close()
    return branch


def _update(row: Table) -> MonthlyUpdate:
    update = MonthlyUpdate(row.day("published"), row.integer("revision"))
    row.close()
    return update


def _program(row: Table) -> ProgramRelease:
    program = ProgramRelease(
        id=row.text("id"),
        name=row.text("name"),
        products=row.optional_texts("products"),
        channel=row.optional_text("channel"),
        version=row.optional_text("version"),
        before=_version(row, "before"),
        since=_version(row, "since"),
        end_of_support=row.optional_day("end_of_support"),
        known_until=row.optional_day("known_until"),
        extended=row.optional_day("extended"),
    )
    if program.end_of_support is None and program.known_until is None:
        row.report("known_until", "il faut « end_of_support » ou « known_until »")
    row.close()
    return program


def _version(row: Table, key: str) -> tuple[int, ...] | None:
    text = row.optional_text(key)
    if text is not None and not numbers(text):
        row.report(key, f"« {key} » doit être une version : des nombres séparés par des points")
    return None if text is None else numbers(text)


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers with which a version begins, so that 9.10 comes after 9.9; none when it begins with none."""
    found = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _card(row: Table) -> CardPattern:
    card = CardPattern(
        kind=row.text("kind"),
        name=row.text("name"),
        generation=row.optional_text("generation"),
        is_cpx=row.flag("is_cpx") if row.has("is_cpx") else None,
        atr=_hexadecimal(row, "atr"),
        mask=_hexadecimal(row, "mask"),
        contains=_hexadecimal(row, "contains"),
    )
    if (card.atr is None) == (card.contains is None):
        row.report("atr", "il faut « atr » ou « contains », l'un des deux")
    if card.mask is not None and len(card.mask) != len(card.atr or b""):
        row.report("mask", "« mask » doit avoir la longueur de « atr »")
    row.close()
    return card


def _reader(row: Table) -> ReaderModel:
    reader = ReaderModel(
        vendor=row.integer("vendor"),
        product=row.integer("product"),
        model=row.text("model"),
        kind=row.choice("kind", ReaderKind) if row.has("kind") else None,
        libccid=row.choice("libccid", Libccid),
    )
    row.close()
    return reader


def _service(row: Table) -> NationalService:
    service = NationalService(
        host=row.text("host"),
        port=row.integer("port", minimum=1),
        protocol=ServiceProtocol.Value(row.choice("protocol", _Protocol)) if row.has("protocol") else TLS,
        path=row.optional_text("path") or "",
        purpose=row.text("purpose"),
        name=row.text("name"),
        essential=row.flag("essential"),
        insi=Profile.Insi.Value(row.choice("insi", _Insi)) if row.has("insi") else Profile.INSI_UNSPECIFIED,
    )
    row.close()
    return service


def _hexadecimal(row: Table, key: str) -> bytes | None:
    text = row.optional_text(key)
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError:
        row.report(key, f"« {key} » doit être un texte hexadécimal")
        return b""
