"""The services that a site needs: which were reached, by what, since when not."""

from collections.abc import Iterator, Sequence

from prerequis.v1 import services_review_pb2
from prerequis_tui import service_words, wording
from prerequis_tui.service_words import Service
from prerequis_tui.widgets.line_list import Column, Heading, LineList, Spans
from prerequis_tui.wording import Tone


def _state(one: Service) -> Spans:
    word = service_words.state(one)
    return [(f"{word.symbol} {word.text}", word.tone)]


def _family(one: Service, name: str) -> Spans:
    said = service_words.reached(one, name)
    return [(said, Tone.BAD if said == "non" else Tone.MUTED)]


_COLUMNS: Sequence[Column[Service]] = (
    Column("État", _state, 13),
    Column("", lambda one: [("*" if one.essential else "", Tone.STRONG)], 1),
    Column("Hôte", lambda one: [(service_words.place(one), Tone.STRONG)]),
    Column("Pour", lambda one: [(service_words.purpose(one), Tone.PLAIN)], from_width=96),
    Column("IPv4", lambda one: _family(one, "IPv4"), 4),
    Column("IPv6", lambda one: _family(one, "IPv6"), 4),
    Column("Depuis le", lambda one: [(service_words.since(one), Tone.PLAIN)], 10),
)


class ServiceList(LineList[Service]):
    """One line for each service, what must be opened first."""

    def __init__(self, *, id: str) -> None:
        super().__init__(_COLUMNS, service_words.place, service_words.NEVER, id=id)

    def fill(self, found: services_review_pb2.GetServicesResponse) -> None:
        """List the services of the site."""
        services = service_words.in_order(found.services.asked)
        self.show([*_headings(found, services), *services] if services else [])


def _headings(found: services_review_pb2.GetServicesResponse, services: Sequence[Service]) -> Iterator[Heading]:
    worst, *others = service_words.summary(services)
    yield Heading(f"{worst.symbol} {worst.text}", worst.tone)
    yield Heading("   ".join(f"{word.symbol} {word.text}" for word in others))
    if found.services.automatic_script and any(one.trouble for one in services):
        yield Heading("! Un script (PAC) choisit le mandataire des navigateurs : voir « À dire »", Tone.WARNING)
    asked = f"Interrogés le {wording.clock(found.services.observed_at)} ; « * » : indispensable au DUI"
    yield Heading(asked, Tone.MUTED)
