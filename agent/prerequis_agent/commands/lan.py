"""`lan`: listen to the wire, with an administrator's rights and by a person's order."""

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from prerequis.command_line import ExitCode
from prerequis_agent.config import State

if TYPE_CHECKING:
    from prerequis.v1.lan_pb2 import LanCheck

HELP = "écoute le câble une minute (administrateur) : port du commutateur, VLAN, serveurs DHCP, adresse en double"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="écrit le résultat en JSON")
    parser.add_argument(
        "--interface", default="", metavar="NOM", help="l'interface à écouter ; d'office celle qui mène au réseau"
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=62.0, metavar="N", help="durée de l'écoute, de 5 à 300 secondes (62)"
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Listen, write what was heard on stdout, and keep it for the next reports."""
    from google.protobuf import json_format

    from prerequis.os_errors import why
    from prerequis_agent.errors import ConfigurationError, ProbeError
    from prerequis_agent.lan import check

    sys.stderr.write(
        f"Écoute du câble, {options.seconds:.0f} secondes au plus. Ce poste demande une adresse sans la prendre, et "
        "si la sienne est en double ; il ne balaie pas le réseau.\n"
    )
    try:
        heard = check.listen(options.interface, options.seconds)
    except ProbeError as problem:
        raise ConfigurationError(str(problem)) from problem
    if options.json:
        sys.stdout.write(f"{json_format.MessageToJson(heard, ensure_ascii=False)}\n")
    else:
        sys.stdout.write(text(heard))
    state = State(options.state)
    try:
        check.keep(state, heard)
    except OSError as problem:
        sys.stderr.write(f"Ce résultat ne sera pas dans les rapports : {state.directory} ({why(problem)}).\n")
    return ExitCode.DONE


def text(heard: "LanCheck") -> str:
    """Return what was heard, for the technician, each finding with what to do."""
    from prerequis.v1.lan_pb2 import SwitchPort

    lines = [f"Écouté pendant {heard.listened_seconds:.0f} secondes."]
    if heard.HasField("switch_port"):
        port = heard.switch_port
        parts = [
            f"port {port.port}" if port.port else "port sans nom",
            f"VLAN {port.vlan}" if port.vlan else "VLAN non dit",
            port.model,
        ]
        lines.append(f"Commutateur ({SwitchPort.Protocol.Name(port.protocol)}) : {', '.join(filter(None, parts))}.")
    else:
        lines.append("Commutateur : aucun ne s'est annoncé (LLDP et CDP sont peut-être désactivés).")
    servers = list(heard.dhcp_offers.addresses)
    if len(servers) > 1:
        lines.append(f"Serveurs DHCP : {', '.join(servers)}. Vérifier que chacun est voulu, sinon retirer l'intrus.")
    else:
        lines.append(f"Serveur DHCP : {servers[0]}." if servers else "Serveur DHCP : aucun n'a répondu.")
    if heard.duplicate_address:
        lines.append("Adresse en double : une autre machine utilise celle de ce poste. Changer l'une des deux.")
    elif heard.HasField("duplicate_address"):
        lines.append("Adresse en double : aucune.")
    shouts = [name for name, was in (("LLMNR", heard.llmnr_heard), ("NetBIOS", heard.netbios_heard)) if was]
    if shouts:
        lines.append(
            f"Des machines cherchent des noms à la cantonade ({', '.join(shouts)}) : à désactiver sur les postes."
        )
    return "\n".join(lines) + "\n"


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        value = float(text)
        if 5 <= value <= 300:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} n'est pas une durée de 5 à 300 secondes")
