"""`prerequis site`: one site's scorecard."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_fail_on, add_json, fails, write_json
from prerequis_tui.errors import Refused

if TYPE_CHECKING:
    import argparse

    from prerequis.v1 import ordering_pb2, review_pb2
    from prerequis_tui.client import Client

HELP = "montre si un site est prêt, ce qui l'en empêche et ce qui lui manque"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("finess", metavar="FINESS", help="numéro FINESS du site")
    parser.add_argument("--all", action="store_true", help="détaille aussi ce qui est conforme ou sans objet")
    add_json(parser)
    add_fail_on(parser, "le site")


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write the scorecard; return FINDING when the site is as bad as --fail-on says."""
    from prerequis_tui import scorecard

    site = await client.site(options.finess)
    if options.json:
        write_json(document(site), out)
    else:
        from prerequis_tui.printed.site import print_site

        print_site(site, await _needs(client, options.finess), out, everything=options.all)
    deciding = (one for one in site.frameworks if one.id == scorecard.DECIDING)
    return ExitCode.FINDING if any(fails(one.readiness, options.fail_on) for one in deciding) else ExitCode.DONE


async def _needs(client: Client, finess: str) -> ordering_pb2.ListNeedsResponse | None:
    """Return the site's needs, or None when the operator's role may not see them."""
    try:
        return await client.needs(finess)
    except Refused:
        return None


def document(site: review_pb2.GetSiteResponse) -> dict[str, object]:
    """Return the site as scripts read it; what is not known is null."""
    from prerequis_tui import documents

    return {
        "finess": site.site.finess,
        "name": site.site.name,
        "frameworks": [
            {
                "id": framework.id,
                "readiness": documents.readiness(framework.readiness),
                "score": documents.score(framework.score),
                "coverage": documents.coverage(framework.score),
                "verdicts": [
                    {
                        "rule": one.rule,
                        "scope": one.scope,
                        "subject": one.subject,
                        "subjectName": one.subject_name,
                        "level": one.level,
                        "verdict": documents.verdict(one.verdict),
                        "waived": one.waived,
                        "observed": one.observed,
                        "expected": one.expected,
                        "reasons": list(one.reasons),
                    }
                    for one in framework.verdicts
                ],
            }
            for framework in site.frameworks
        ],
        "workstations": [
            {
                "id": one.id,
                "name": one.workstation.hostname or one.id,
                "quarantined": one.quarantined,
                "warnings": list(one.warnings),
            }
            for one in site.workstations
        ],
        "parameters": [documents.parameter(one) for one in site.parameters],
        "warnings": list(site.warnings),
        "lot": documents.lot(site.lot) if site.HasField("lot") else None,
    }
