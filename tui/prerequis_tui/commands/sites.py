"""`prerequis sites`: every site, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_fail_on, add_json, fails, write_json

if TYPE_CHECKING:
    import argparse

    from prerequis.v1 import review_pb2
    from prerequis_tui.client import Client

HELP = "liste les sites, le moins prêt d'abord"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_json(parser)
    add_fail_on(parser, "un site au moins")


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write the list of sites; return FINDING when one is as bad as --fail-on says."""
    from prerequis_tui.order import worst_first

    listed = await client.sites()
    sites = sorted(listed.sites, key=worst_first)
    if options.json:
        write_json(document(sites, listed.being_judged), out)
    else:
        from prerequis_tui import wording
        from prerequis_tui.printed.sites import print_sites

        print_sites(sites, wording.still_judged(sites, listed.being_judged, wording.today()), out)
    return ExitCode.FINDING if any(fails(site.readiness, options.fail_on) for site in sites) else ExitCode.DONE


def document(sites: list[review_pb2.SiteSummary], being_judged: int) -> dict[str, object]:
    """Return the sites as scripts read them; what is not known is null.

    While some are being judged, the line of each is of the day on which it was last judged.
    """
    from prerequis_tui import documents, wording

    return {
        "total": len(sites),
        "beingJudged": being_judged,
        "sites": [
            {
                "finess": site.finess,
                "name": site.name,
                "readiness": documents.readiness(site.readiness),
                "score": documents.score(site.score),
                "coverage": documents.coverage(site.score),
                "workstations": site.workstations,
                "lastSeen": wording.iso(site.last_seen),
                "judgedOn": wording.iso_day(site.judged_on),
            }
            for site in sites
        ],
    }
