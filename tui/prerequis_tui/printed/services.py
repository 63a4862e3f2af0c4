"""The services of a site, as printed: the matrix, then what to pass on to whoever runs the network."""

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from prerequis.v1 import services_review_pb2
from prerequis_tui import printed, service_words, wording
from prerequis_tui.service_words import Service
from prerequis_tui.wording import Tone

_OTHER_COLUMNS = 43
"""What stands beside a host and what it is for."""


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
        console.print(Text("\n").join(_rows(services, console.width if console.is_terminal else 0)), soft_wrap=True)
        console.print()
        console.print("« * » : indispensable au DUI. IPv4, IPv6 : connexion établie par là ; « – » : pas essayé.")
        _print_sentences(console, services)


def _rows(services: Sequence[Service], width: int) -> Iterator[Text]:
    """Return the lines of the matrix, cut to so many columns; 0 for a program, which gets everything whole."""
    place = max(len(service_words.place(one)) for one in services)
    longest = max(len(service_words.purpose(one)) for one in services)
    purpose = max(min(longest, width - place - _OTHER_COLUMNS), 4) if width else longest
    yield printed.styled(f"{'ÉTAT':<13}    {'HÔTE':<{place}}  {'POUR':<{purpose}}  IPv4  IPv6  DEPUIS LE", Tone.MUTED)
    for one in services:
        word, said = service_words.state(one), service_words.purpose(one)
        shown = said if len(said) <= purpose else f"{said[: purpose - 1]}…"
        families = f"{service_words.reached(one, 'IPv4'):<4}  {service_words.reached(one, 'IPv6'):<4}"
        yield Text.assemble(
            (f"{word.symbol} {word.text:<11}", printed.STYLES[word.tone]),
            f"  {'*' if one.essential else ' '} {service_words.place(one):<{place}}  {shown:<{purpose}}",
            f"  {families}  {service_words.since(one)}",
        )


def _print_sentences(console: Console, services: Sequence[Service]) -> None:
    sentences = [said for one in services if (said := service_words.sentence(one))]
    if sentences:
        console.print()
        console.print(printed.styled("À transmettre à l'administrateur du réseau", Tone.STRONG))
    for said in sentences:
        for number, line in enumerate(Text(said).wrap(console, console.width - 4)):
            line.rstrip()
            console.print(Padding(Text.assemble("  " if number else "• ", line), (0, 0, 0, 2)))
