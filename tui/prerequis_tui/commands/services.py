"""`prerequis services`: which of the services that a site needs it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_json, write_json

if TYPE_CHECKING:
    import argparse

    from prerequis.v1 import context_pb2, facts_pb2, services_review_pb2
    from prerequis_tui.client import Client

HELP = "montre quels services (DUI, INSi, Pro Santé Connect…) un site joint, et ce qu'il faut ouvrir"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("finess", metavar="FINESS", help="numéro FINESS du site")
    add_json(parser)


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write the services in the form that was asked for."""
    found = await client.services(options.finess)
    if options.json:
        write_json(document(found), out)
    else:
        from prerequis_tui.printed.services import print_services

        print_services(found, out)
    return ExitCode.DONE


def document(found: services_review_pb2.GetServicesResponse) -> dict[str, object]:
    """Return the services as scripts read them; what is not known is null."""
    from prerequis_tui import service_words, wording

    return {
        "finess": found.finess,
        "name": found.name,
        "observedAt": wording.iso(found.services.observed_at),
        "services": [_service(one) for one in service_words.in_order(found.services.asked)],
    }


def _service(one: context_pb2.SiteService) -> dict[str, object]:
    from prerequis.v1.facts_pb2 import Endpoint
    from prerequis.v1.services_pb2 import ServiceProtocol
    from prerequis_tui import service_words, wording

    endpoint = one.endpoint
    return {
        "host": endpoint.host,
        "port": endpoint.port,
        "protocol": ServiceProtocol.Name(endpoint.protocol),
        "purpose": endpoint.purpose or None,
        "name": one.name or None,
        "essential": one.essential if one.HasField("essential") else None,
        "national": one.national if one.HasField("national") else None,
        "reachable": endpoint.reachable if endpoint.HasField("reachable") else None,
        "failure": Endpoint.Failure.Name(endpoint.failure) if endpoint.HasField("failure") else None,
        "ipv4": _path(endpoint.ipv4) if endpoint.HasField("ipv4") else None,
        "ipv6": _path(endpoint.ipv6) if endpoint.HasField("ipv6") else None,
        "throughProxy": endpoint.through_proxy if endpoint.HasField("through_proxy") else None,
        "tlsVersion": endpoint.tls_version or None,
        "issuer": endpoint.issuer or None,
        "intercepted": one.intercepted if one.HasField("intercepted") else None,
        "since": wording.iso(one.since),
        "sentence": service_words.sentence(one) or None,
    }


def _path(path: facts_pb2.EndpointPath) -> dict[str, object]:
    from prerequis.v1.facts_pb2 import Endpoint

    return {
        "reachable": path.reachable if path.HasField("reachable") else None,
        "failure": Endpoint.Failure.Name(path.failure) if path.HasField("failure") else None,
        "connectSeconds": path.connect_seconds if path.HasField("connect_seconds") else None,
    }
