"""`cards`: name and count the cards that are inserted one after another, and tell of readers that do not answer."""

import argparse
import contextlib
import sys
import time
from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode

if TYPE_CHECKING:
    from prerequis_agent.pcsc import ConnectedScard

HELP = "nomme et compte les cartes insérées l'une après l'autre, sans rien envoyer"

_INTRODUCTION = "Insérez les cartes l'une après l'autre{once}. {read}, et rien n'est gardé. Ctrl-C : bilan.\n"
_ATR_ALONE = "Seule leur réponse à la mise sous tension est lue"
_ON_AGREEMENT = "N'est lu que ce qui suit"
# Between two looks at the readers that PC/SC does not show.
_LOOK_SECONDS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--json", action="store_true", help="écrit le bilan en JSON, et le suivi sur la sortie d'erreur"
    )
    parser.add_argument(
        "--declare", action="store_true", help="demande au clavier le type de chaque carte CPx (CPS, CPE, CDE…)"
    )
    parser.add_argument(
        "--confirm", action="store_true", help="demande à chaque carte CPx si l'ANS l'a émise, avec l'accord du porteur"
    )
    parser.add_argument(
        "--type",
        action="store_true",
        help="lit le type de chaque carte CPx dans son certificat, avec l'accord du porteur ; chacune compte une fois",
    )
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="s'arrête après S secondes (défaut : Ctrl-C)")


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        seconds = float(text)
        if 0 < seconds < float("inf"):
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} n'est pas un nombre de secondes")


def run(options: argparse.Namespace) -> ExitCode:
    """Follow the readers until Ctrl-C, then write the census on stdout."""
    from typing import cast

    from prerequis_agent.card_readers import look
    from prerequis_agent.card_table import Asked, Table
    from prerequis_agent.card_watch import Watch
    from prerequis_agent.host import Host

    host = Host()
    scard = cast("ConnectedScard", host.pcsc())
    screen = sys.stderr if options.json else sys.stdout
    screen.write(
        _INTRODUCTION.format(
            once="" if options.type else ", chacune une seule fois",
            read=_ON_AGREEMENT if options.type or options.confirm else _ATR_ALONE,
        )
    )
    if not _agreed(options, screen):
        return ExitCode.REFUSED
    asked = Asked(
        issuer=scard if options.confirm else None,
        type=scard if options.type else None,
        declared=sys.stdin if options.declare else None,
    )
    table = Table(screen, asked)
    limit = time.monotonic() + options.seconds if options.seconds is not None else float("inf")
    next_look = 0.0
    try:
        for event in Watch(scard).events():
            if event is not None:
                table.show(event)
            elif time.monotonic() >= next_look:
                table.show_unseen(look(host))
                next_look = time.monotonic() + _LOOK_SECONDS
            if time.monotonic() >= limit:
                break
    except KeyboardInterrupt:
        screen.write("\n")
    sys.stdout.write(table.document() if options.json else table.balance())
    return ExitCode.DONE


def _agreed(options: argparse.Namespace, screen: TextIO) -> bool:
    """Write what the options read of a card, and return whether the person agrees.

    A script that gives them has agreed.
    """
    from prerequis_agent import card_issuer, card_type

    wanted = [*([card_issuer.CONSENT] if options.confirm else []), *([card_type.CONSENT] if options.type else [])]
    for consent in wanted:
        screen.write(f"{consent}\n")
    if not wanted or not sys.stdin.isatty():
        return True
    screen.write("Continuer ? (oui/non) ")
    screen.flush()
    return sys.stdin.readline().strip().lower() in {"oui", "o"}
