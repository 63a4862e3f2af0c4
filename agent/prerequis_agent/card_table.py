"""Tells the technician, line by line, what `cards` sees, and keeps the count."""

import json
from dataclasses import dataclass
from datetime import date
from typing import TextIO

from prerequis_agent import card_watch
from prerequis_agent.card_census import Census, Typed
from prerequis_agent.card_channel import CardHeld, CardSilent
from prerequis_agent.card_issuer import Issuer, ask_issuer
from prerequis_agent.card_names import NamedCard, name_of
from prerequis_agent.card_readers import Look
from prerequis_agent.card_type import CardType, ReadCard, read_type
from prerequis_agent.card_watch import CardInserted, Event
from prerequis_agent.pcsc import ConnectedScard
from prerequis_agent.probes.smartcard import reader_name

DECLARED = ("CPS", "CPF", "CDE", "CPE", "CDA", "CPA")
"""The types that a person may tell, in the order of their keys."""

_ISSUERS = {
    Issuer.ANS: "Émise par l'ANS : confirmé.",
    Issuer.OTHER: "L'ANS ne l'a pas émise.",
    Issuer.HELD: "Émetteur non vérifié : un autre logiciel tient la carte.",
    Issuer.SILENT: "Émetteur non vérifié : la carte ne répond pas comme attendu.",
}
_MOST_QUESTIONS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked besides the answer to reset, each with its means; None: nothing."""

    issuer: ConnectedScard | None = None
    type: ConnectedScard | None = None
    declared: TextIO | None = None


class Table:
    """What was seen, told line by line."""

    def __init__(self, screen: TextIO, asked: Asked) -> None:
        self.census = Census()
        self.readers: set[str] = set()
        self.mute = 0
        self.interruptions = 0
        self.confirmed = 0
        self._unseen: tuple[str, ...] = ()
        self._screen = screen
        self._asked = asked

    def show(self, event: Event) -> None:
        """Write what happened, and count a new card."""
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

    def show_unseen(self, look: Look) -> None:
        """Write which readers PC/SC does not show, when that changed."""
        told = look.unseen or ((look.problem,) if look.problem else ())
        for sentence in told if told != self._unseen else ():
            self._write(sentence)
        self._unseen = told

    def _show_card(self, card: CardInserted, reader: str) -> None:
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
        read = self._read(card, named, told)
        digest = read.digest if read else None
        is_new = self.census.add(card.reader, card.atr, named.kind, named.name, digest)
        if self._asked.issuer and is_new and named.is_cpx is not False:
            issuer = ask_issuer(self._asked.issuer, card.reader)
            self.confirmed += issuer is Issuer.ANS
            told.append(_ISSUERS[issuer])
        self._write(" ".join(told))
        if is_new and named.is_cpx is not False:
            self._take_type(read.type if read else None)
        self._write(f"  {self._counts()}" if is_new else "  déjà comptée")

    def _read(self, card: CardInserted, named: NamedCard, told: list[str]) -> ReadCard | None:
        if self._asked.type is None or named.is_cpx is False:
            return None
        try:
            read = read_type(self._asked.type, card.reader, self.census.salt)
        except CardHeld:
            told.append("Type non lu : un autre logiciel tient la carte.")
            return None
        except CardSilent as problem:
            told.append(f"Type non lu : {str(problem)[0].lower()}{str(problem)[1:]}")
            return None
        told.append(_sentence(read.type, date.today()))
        return read

    def _take_type(self, read: CardType | None) -> None:
        """Count the type that was read or that a person tells; a card that says « CDE ou CPE » leaves the choice."""
        name = read.name if read else ""
        choices = [each for each in DECLARED if not name or each in name.split()]
        if self._asked.declared and len(choices) > 1:
            name = self._ask_type(self._asked.declared, choices) or name
        if name:
            self.census.types[Typed(name, read)] += 1

    def _ask_type(self, source: TextIO, choices: list[str]) -> str:
        keys = {str(number): choice for number, choice in enumerate(choices, start=1)}
        for _ in range(_MOST_QUESTIONS):
            told = "  ".join(f"[{key}] {choice}" for key, choice in keys.items())
            self._screen.write(f"  Type de cette carte ? {told}  [Entrée] ne sait pas : ")
            self._screen.flush()
            answer = source.readline().strip().upper()
            if not answer:
                self._write("")
                return ""
            if keys.get(answer, answer) in choices:
                return keys.get(answer, answer)
            self._write("  Ce n'est pas l'un des choix.")
        return ""

    def _write(self, line: str) -> None:
        self._screen.write(f"{line}\n")
        self._screen.flush()

    def _counts(self) -> str:
        if not self.census.total:
            return "aucune carte"
        kinds = ", ".join(f"{number} × {name}" for (_, name), number in sorted(self.census.kinds.items()))
        return f"{self.census.total} carte{'s' if self.census.total > 1 else ''} : {kinds}"

    def balance(self) -> str:
        """Return the census as text."""
        lines = [f"Bilan : {self._counts()}."]
        if self.census.types:
            types = ", ".join(f"{number} × {_briefly(typed)}" for typed, number in self._types())
            lines.append(f"Par type : {types}.")
            lines.append(
                "À reporter dans la réponse du site : prerequis answer FINESS card-types oui|non --comment « … »."
            )
        return "\n".join(lines) + "\n"

    def document(self) -> str:
        """Return the census as one JSON document."""
        found = {
            "total": self.census.total,
            "cards": [
                {"kind": kind, "name": name, "count": number}
                for (kind, name), number in sorted(self.census.kinds.items())
            ],
            "types": [
                {
                    "type": typed.name,
                    "ends": typed.ends or None,
                    "nominative": typed.read.nominative if typed.read else None,
                    "test": typed.read.test if typed.read else None,
                    "count": number,
                }
                for typed, number in self._types()
            ],
            "mute": self.mute,
            "confirmed": self.confirmed,
            "readers": sorted(self.readers),
            "unseenReaders": list(self._unseen),
            "interruptions": self.interruptions,
        }
        return json.dumps(found, ensure_ascii=False, indent=2) + "\n"

    def _types(self) -> list[tuple[Typed, int]]:
        return sorted(self.census.types.items(), key=lambda row: (row[0].name, row[0].ends))


def _sentence(card: CardType, today: date) -> str:
    told = [f"Type {card.name}, certificat jusqu'en {card.ends:%m/%Y}."]
    if card.ends < today.replace(day=1):
        told.append("Il est échu : la faire renouveler.")
    if card.test:
        told.append("Carte de test : sans valeur en production.")
    if card.nominative is False:
        told.append("Carte générique, pas nominative : elle ne sert pas pour INSi.")
    return " ".join(told)


def _briefly(typed: Typed) -> str:
    if typed.read is None:
        return f"{typed.name} (déclarée)"
    told = [f"jusqu'en {typed.read.ends:%m/%Y}"]
    told += ["générique"] if typed.read.nominative is False else []
    told += ["de test"] if typed.read.test else []
    return f"{typed.name} ({', '.join(told)})"
