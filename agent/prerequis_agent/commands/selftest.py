"""`selftest`: record what this machine answers as a fixture host of the tests, without what tells whose it is."""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prerequis.command_line import ExitCode

if TYPE_CHECKING:
    from prerequis_agent.host import Host
    from prerequis_agent.probe import Probe

HELP = "enregistre ce que ce poste répond, pour les essais de l'agent"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--record", type=Path, metavar="DOSSIER", required=True, help="où écrire le poste enregistré, sans rien envoyer"
    )
    parser.add_argument("--name", metavar="NOM", type=_name, default="poste", help="nom du poste enregistré (poste)")


def run(options: argparse.Namespace) -> ExitCode:
    """Write NAME.toml, what the machine answered, and NAME.json, what each probe said of it."""
    from prerequis_agent.durable import write
    from prerequis_agent.fixture_text import written
    from prerequis_agent.recording import RecordingHost
    from prerequis_agent.runner import discover
    from prerequis_agent.scrubbing import Scrubber, secrets_of_this_machine

    host = RecordingHost()
    said = {probe.name: observed(probe, host) for probe in discover() if not probe.uses_surroundings}
    scrubber = Scrubber(secrets_of_this_machine())
    story = {"secrets": [], **scrubber.scrub(host.story())}
    toml = options.record / f"{options.name}.toml"
    try:
        write(toml, written(story, "Recorded on a real machine by `prerequis-agent selftest --record`.").encode())
        document = json.dumps(scrubber.scrub(said), ensure_ascii=False, indent=2)
        write(toml.with_suffix(".json"), f"{document}\n".encode())
    except OSError as problem:
        from prerequis.os_errors import why
        from prerequis_agent.errors import ConfigurationError

        raise ConfigurationError(f"{options.record} ne se laisse pas écrire ({why(problem)}).") from None
    sys.stdout.write(f"Poste enregistré : {toml}. Le relire avant de le confier à quelqu'un.\n")
    return ExitCode.DONE


def observed(probe: "Probe", host: "Host") -> dict[str, Any]:
    """Return what a probe says of a host, in the form of the golden files."""
    from google.protobuf.json_format import MessageToDict

    from prerequis_agent.errors import ProbeError

    try:
        seen = probe.observe(host)
    except ProbeError as problem:
        return {"error": type(problem).__name__, "detail": str(problem)}
    return {"facts": MessageToDict(seen.facts), "detail": seen.detail}


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} n'est pas un nom : des minuscules, chiffres, points et tirets")
    return text
