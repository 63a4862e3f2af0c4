"""`status`: whether this machine is enrolled, until when, and what waits."""

import argparse
import json
import sys
from datetime import datetime

from prerequis.command_line import ExitCode
from prerequis_agent.config import State

_ROLES = {
    "care": "soin",
    "secretariat": "secrétariat",
    "support": "support",
    "management": "direction",
    "other": "autre",
}

HELP = "dit si ce poste est rattaché à un site et ce qui attend d'être remis"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="écrit l'état en JSON")


def run(options: argparse.Namespace) -> ExitCode:
    """Write the state on stdout."""
    state = State(options.state)
    found: dict[str, str | int | float | bool] = {"enrolled": state.is_enrolled, "state": str(state.directory)}
    if state.is_enrolled:
        from prerequis_agent import identity
        from prerequis_agent.schedule import last_run
        from prerequis_agent.spool import Spool

        enrolment, known, spool = state.enrolment(), identity.load(state.identity), Spool(state.spool)
        found |= {
            "site": enrolment.site,
            "finess": enrolment.finess,
            "role": enrolment.role,
            "collector": enrolment.collector,
            "agentId": known.agent_id,
            "certificateExpires": f"{known.expires:%Y-%m-%dT%H:%M:%SZ}",
            "waiting": len(spool),
            "refused": spool.count_refused(),
            "dropped": spool.count_dropped(),
        }
        last = last_run(state.last_run)
        if last:
            found |= {
                "lastRun": f"{last.ended_at:%Y-%m-%dT%H:%M:%SZ}",
                "wallSeconds": last.wall_seconds,
                "cpuSeconds": last.cpu_seconds,
                "memoryBytes": last.memory_bytes,
            }
    sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=2) + "\n" if options.json else _text(found))
    return ExitCode.DONE


def _text(found: dict[str, str | int | float | bool]) -> str:
    if not found["enrolled"]:
        return f"Ce poste n'est rattaché à aucun site (état : {found['state']}).\n"
    return (
        f"Site         {found['site']} ({found['finess']})\n"
        f"Rôle         {_ROLES.get(str(found['role']), 'non déclaré')}\n"
        f"Collecteur   {found['collector']}\n"
        f"Certificat   valable jusqu'au {_local(found['certificateExpires'])}\n"
        f"En attente   {found['waiting']}\n"
        f"Refusés      {found['refused']}\n"
        f"Remplacés    {found['dropped']}, faute de place\n"
        f"Vu           {_last(found)}\n"
    )


def _last(found: dict[str, str | int | float | bool]) -> str:
    if "lastRun" not in found:
        return "jamais"
    from prerequis_agent.summary import cost

    spent = cost(float(found["wallSeconds"]), float(found["cpuSeconds"]), int(found["memoryBytes"]))
    return f"le {_local(found['lastRun'])}, en {spent}"


def _local(moment: object) -> str:
    return datetime.fromisoformat(str(moment)).astimezone().strftime("%d/%m/%Y à %H:%M")
