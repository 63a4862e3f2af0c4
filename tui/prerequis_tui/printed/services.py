"""The services of a site, as printed: the matrix, then what to pass on to whoever runs the network."""

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from prerequis.v1 import services_review_pb2
from prerequis_tui import printed, service_words, wording
from prerequis_tui.printed.table import Column, Table
from prerequis_tui.service_words import Service
from prerequis_tui.wording import Tone


def print_services(found: services_review_pb2.GetServicesResponse, out: TextIO) -> None:
    """Write one line for each service, the worst first, and the sentences for the network's administrator."""
    services = service_words.in_order(found.services.asked)
    with printed.page(out) as console:
        console.print(Text.assemble((f"{found.name}  ", "bold"), (found.finess, "dim")))
        if not services:
            console.print(service_words.NEVER)
            return
        console.print(f"Interrogés le {wording.clock(found.services.observed_at)}")
        words = [printed.worded(word) for word in service_words.summary(services)]
        console.print(Text("   ").join(words), soft_wrap=True)
        console.print()
        table = Table(_COLUMNS, services, console)
        console.print(Text("\n").join([table.heading(), *map(table.line, services)]), soft_wrap=True)
        console.print()
        console.print("« * » : indispensable au DUI. IPv4, IPv6 : connexion établie par là ; « – » : pas essayé.")
        _print_sentences(console, services)


def _print_sentences(console: Console, services: Sequence[Service]) -> None:
    sentences = [said for one in services if (said := service_words.sentence(one))]
    if sentences:
        console.print()
        console.print(printed.styled("À transmettre à l'administrateur du réseau", Tone.STRONG))
    for said in sentences:
        for number, line in enumerate(Text(said).wrap(console, console.width - 4)):
            line.rstrip()
            console.print(Padding(Text.assemble("  " if number else "• ", line), (0, 0, 0, 2)))


def _state(one: Service) -> str:
    word = service_words.state(one)
    return f"{word.symbol} {word.text}"


_COLUMNS: Sequence[Column[Service]] = (
    Column("ÉTAT", _state, 13, tone=lambda one: service_words.state(one).tone),
    Column("", lambda one: "*" if one.essential else "", 1),
    Column("HÔTE", service_words.place, least=20),
    Column("POUR", service_words.purpose, least=12, from_width=96),
    Column("IPv4", lambda one: service_words.reached(one, "IPv4")),
    Column("IPv6", lambda one: service_words.reached(one, "IPv6")),
    Column("DEPUIS LE", service_words.since, 10),
)
