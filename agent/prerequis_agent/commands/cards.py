"""`cards`: name and count the cards that are inserted one after another."""

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode

if TYPE_CHECKING:
    from prerequis_agent.card_census import Census
    from prerequis_agent.card_watch import CardInserted, Event
    from prerequis_agent.pcsc import ConnectedScard

HELP = "nomme et compte les cartes insérées l'une après l'autre, sans rien envoyer"

_INTRODUCTION = (
    "Insérez les cartes l'une après l'autre, chacune une seule fois. Seule leur réponse à la mise sous tension est "
    "lue, et rien n'est gardé. Ctrl-C : bilan.\n"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--json", action="store_true", help="écrit le bilan en JSON, et le suivi sur la sortie d'erreur"
    )
    parser.add_argument(
        "--confirm", action="store_true", help="demande à chaque carte CPx si l'ANS l'a émise, avec l'accord du porteur"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="s'arrête après S secondes (défaut : Ctrl-C)")


def run(options: argparse.Namespace) -> ExitCode:
    """Follow the readers until Ctrl-C, then write the census on stdout."""
    from typing import cast

    from prerequis_agent.card_watch import Watch
    from prerequis_agent.host import Host

    scard = cast("ConnectedScard", Host().pcsc())
    screen = sys.stderr if options.json else sys.stdout
    screen.write(_INTRODUCTION)
    if options.confirm and not _agreed(screen):
        return ExitCode.REFUSED
    table = Table(screen, scard if options.confirm else None)
    limit = time.monotonic() + options.seconds if options.seconds is not None else float("inf")
    try:
        for event in Watch(scard).events():
            if event is not None:
                table.show(event)
            if time.monotonic() >= limit:
                break
    except KeyboardInterrupt:
        screen.write("\n")
    sys.stdout.write(_document(table) if options.json else f"Bilan : {_counts(table.census)}.\n")
    return ExitCode.DONE


def _agreed(screen: TextIO) -> bool:
    from prerequis_agent.card_issuer import CONSENT

    screen.write(f"{CONSENT}\n")
    if not sys.stdin.isatty():
        # A script that gives the option has agreed.
        return True
    screen.write("Continuer ? (oui/non) ")
    screen.flush()
    return sys.stdin.readline().strip().lower() in {"oui", "o"}


class Table:
    """What was seen, told line by line; with PC/SC at hand, each CPx is asked who issued it."""

    def __init__(self, screen: TextIO, asked: "ConnectedScard | None") -> None:
        from prerequis_agent.card_census import Census

        self.census: Census = Census()
        self.readers: set[str] = set()
        self.mute = 0
        self.interruptions = 0
        self.confirmed = 0
        self._screen = screen
        self._asked = asked

    def show(self, event: "Event") -> None:
        """Write what happened, and count a new card."""
        from prerequis_agent import card_watch
        from prerequis_agent.probes.smartcard import reader_name

        match event:
            case card_watch.ServiceLost():
                self.interruptions += 1
                self._write(
                    "Le service des cartes à puce (PC/SC) ne répond pas : le démarrer. Le suivi reprendra seul."
                )
            case card_watch.ServiceFound():
                self._write("Le service des cartes à puce (PC/SC) répond.")
            case card_watch.ReaderAdded(reader):
                self.readers.add(reader_name(reader))
                self._write(f"Lecteur : {reader_name(reader)}")
            case card_watch.ReaderRemoved(reader):
                self._write(f"Lecteur débranché : {reader_name(reader)}")
            case card_watch.CardRemoved(reader):
                self._write(f"Carte retirée de {reader_name(reader)}.")
            case card_watch.CardInserted():
                self._show_card(event, reader_name(event.reader))

    def _show_card(self, card: "CardInserted", reader: str) -> None:
        from prerequis_agent.card_names import name_of

        if not card.resumed:
            self.census.inserted(card.reader)
        if card.is_mute:
            self.mute += not card.resumed
            self._write(
                f"{reader} : carte muette. La retourner (puce vers le lecteur), l'essuyer, ou essayer ailleurs."
            )
            return
        named = name_of(card.atr)
        told = [f"{reader} : {named.advice}"]
        if card.held:
            told.append("Un autre logiciel la tient.")
        is_new = self.census.add(card.reader, card.atr, named.kind, named.name)
        if self._asked and is_new and named.is_cpx is not False:
            told.append(self._issuer(self._asked, card.reader))
        self._write(" ".join(told))
        self._write(f"  {_counts(self.census)}" if is_new else "  déjà comptée")

    def _issuer(self, scard: "ConnectedScard", reader: str) -> str:
        from prerequis_agent.card_issuer import Issuer, ask_issuer

        issuer = ask_issuer(scard, reader)
        self.confirmed += issuer is Issuer.ANS
        return {
            Issuer.ANS: "Émise par l'ANS : confirmé.",
            Issuer.OTHER: "L'ANS ne l'a pas émise.",
            Issuer.HELD: "Émetteur non vérifié : un autre logiciel tient la carte.",
            Issuer.SILENT: "Émetteur non vérifié : la carte ne répond pas comme attendu.",
        }[issuer]

    def _write(self, line: str) -> None:
        self._screen.write(f"{line}\n")
        self._screen.flush()


def _counts(census: "Census") -> str:
    if not census.total:
        return "aucune carte"
    kinds = ", ".join(f"{number} × {name}" for (_, name), number in sorted(census.kinds.items()))
    return f"{census.total} carte{'s' if census.total > 1 else ''} : {kinds}"


def _document(table: Table) -> str:
    found = {
        "total": table.census.total,
        "cards": [
            {"kind": kind, "name": name, "count": number} for (kind, name), number in sorted(table.census.kinds.items())
        ],
        "mute": table.mute,
        "confirmed": table.confirmed,
        "readers": sorted(table.readers),
        "interruptions": table.interruptions,
    }
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"
