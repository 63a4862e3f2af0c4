"""`serve`: answer agents and operators until told to stop."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from prerequis.command_line import CommandLine, ExitCode
from prerequis.os_errors import why
from prerequis_collector import config
from prerequis_collector.config import GRPC_PORT, Address, Config, Listening
from prerequis_collector.errors import AlreadyThere, InvalidInput, StorageUnavailable
from prerequis_collector.json_log import JsonFormatter
from prerequis_collector.metrics import served_metrics
from prerequis_collector.opening import load_rules, opened_database
from prerequis_collector.serving import serving
from prerequis_collector.store.database import Database

HELP = "sert les postes et les personnes"

_LAST_PORT = 65535
_ALLOCATIONS = 20_000
"""New objects, less those gone, between two searches for garbage; some megabytes."""


def configure(parser: CommandLine) -> None:
    """Add the arguments."""
    usual = str(Address("0.0.0.0", GRPC_PORT))  # noqa: S104 – the agents are on other machines
    address = "MACHINE:PORT"
    parser.add_argument("--listen", default=usual, metavar=address, help=f"où répondre aux appels ({usual})")
    parser.add_argument("--measure-listen", metavar=address, help="où mesurer les lignes (port suivant)")
    parser.add_argument(
        "--uplink", type=float, metavar="MBIT/S", help="débit de l'accès du collecteur, dont la mesure prend la moitié"
    )
    parser.add_argument(
        "--http-listen", metavar=address, help="où mesurer par HTTPS, là où rien d'autre ne passe (non servi sans elle)"
    )
    parser.add_argument("--enrol-listen", metavar=address, help="où enrôler les postes (deuxième port suivant)")
    parser.add_argument(
        "--metrics-listen",
        metavar=address,
        help="où donner les mesures à Prometheus, en clair : plutôt sur 127.0.0.1 (non servi sans elle)",
    )
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="forme du journal (text)")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Serve until SIGTERM or SIGINT; raises InvalidInput, AlreadyThere, SchemaMismatch, StorageUnavailable."""
    main = Address.parse(arguments.listen)
    wanted = Listening(
        listen=main,
        measure=Address.parse(arguments.measure_listen) if arguments.measure_listen else _beside(main, 1),
        enrolment=Address.parse(arguments.enrol_listen) if arguments.enrol_listen else _beside(main, 2),
        http=Address.parse(arguments.http_listen) if arguments.http_listen else None,
    )
    _log_to_stderr(as_json=arguments.log_format == "json")
    known = config.load(arguments.data)
    if arguments.uplink is not None:
        if not arguments.uplink > 0:
            raise InvalidInput("Le débit de l'accès doit être un nombre positif de Mbit/s.")
        known = replace(known, uplink_bits_per_second=arguments.uplink * 1e6)
    watched = Address.parse(arguments.metrics_listen) if arguments.metrics_listen else None
    with _alone(known.data), opened_database(known) as database:
        asyncio.run(_serve(known, database, wanted, watched))
    return ExitCode.DONE


def _beside(main: Address, steps: int) -> Address:
    if main.port + steps > _LAST_PORT:
        raise InvalidInput(f"Il n'y a pas deux ports après {main.port} : choisir {_LAST_PORT - 2} au plus.")
    return main.next(steps)


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold the folder, so that no other process notes where it listens; raises AlreadyThere, StorageUnavailable."""
    import fcntl  # of POSIX systems, as serving is; the other commands run on Windows too

    try:
        lock = (data / "serving.lock").open("w")
    except OSError as error:
        raise StorageUnavailable(f"Impossible d'écrire dans {data} : {why(error)}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyThere(
                f"Un collecteur sert déjà le dossier {data} : l'arrêter d'abord, ou en nommer un autre avec --data."
            ) from None
        yield


def _log_to_stderr(*, as_json: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)


async def _serve(known: Config, database: Database, wanted: Listening, watched: Address | None) -> None:
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    async with serving(known, database, load_rules(known), wanted) as collector:
        with ExitStack() as also:
            if watched is not None:
                at = also.enter_context(served_metrics(collector.metrics, watched))
                sys.stderr.write(f"Les mesures sont sur http://{at}/metrics.\n")
            where = known.listening()
            sys.stderr.write(
                f"Le collecteur répond sur {where.listen}, mesure sur {where.measure}, enrôle sur {where.enrolment}.\n"
            )
            _collect_less_often()
            await told_to_stop.wait()


def _collect_less_often() -> None:
    """Leave what was loaded at the start out of every later search for garbage, and search less often.

    Calls leave little that only such a search finds; at Python's own pace the searches take a twentieth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 20, 50)
