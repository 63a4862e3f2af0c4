"""What remains to be done on the site before the technician leaves, as far as this machine knows."""

from collections.abc import Iterator

from google.protobuf import json_format

from prerequis.v1.measurement_pb2 import GetPlanResponse, SiteProgress
from prerequis.v1.report_pb2 import ProbeRun, Report, Workstation
from prerequis_agent.config import State
from prerequis_agent.unchanged import acknowledged

_WITH_CARD = (Workstation.CARE, Workstation.SECRETARIAT)


def remaining(state: State, report: Report, waiting: int) -> tuple[str, ...]:
    """Return one French sentence for each thing to do, in the order in which to do them.

    `waiting` is the number of reports that have not been handed in.
    """
    if not report.workstation.id:
        first = "Rattacher ce poste à son site : prerequis-agent enrol --ticket FICHIER --role RÔLE."
        return (first, *_machine(report))
    return (
        *_machine(report),
        *([f"Remettre les rapports gardés sur ce poste ({waiting}) : prerequis-agent send."] if waiting else []),
        *_site(progress(state), acknowledged(state)),
    )


def progress(state: State) -> SiteProgress:
    """Return how far the site is, as the collector last said; nothing is known when it never did."""
    try:
        return json_format.Parse(state.plan.read_bytes(), GetPlanResponse(), ignore_unknown_fields=True).progress
    except (OSError, json_format.ParseError, UnicodeDecodeError):
        return SiteProgress()


def _machine(report: Report) -> Iterator[str]:
    facts, role = report.facts, report.workstation.role
    if not role and report.workstation.id:
        yield "Déclarer à quoi sert ce poste : prerequis-agent enrol --ticket FICHIER --role RÔLE."
    readers = facts.smartcard.readers
    if role in _WITH_CARD and facts.HasField("smartcard") and not readers:
        yield "Brancher un lecteur de carte à puce, puis relancer : prerequis-agent advise."
    if readers and not any(reader.card_present for reader in readers):
        yield "Insérer une carte CPx dans le lecteur, puis relancer : le lecteur n'a pas été essayé avec elle."
    refused = [run.name for run in report.probes if run.outcome == ProbeRun.NOT_PERMITTED]
    if refused:
        yield f"Relancer en administrateur pour voir : {', '.join(refused)}."
    unseen = [run.name for run in report.probes if run.outcome in (ProbeRun.TIMED_OUT, ProbeRun.FAILED)]
    if unseen:
        yield f"Relancer l'observation : pas de résultat pour {', '.join(unseen)}."


def _site(known: SiteProgress, kept: Report | None) -> Iterator[str]:
    if not known.HasField("workstations_seen"):
        yield "Relier ce poste au collecteur une fois : ce qu'il reste à faire sur le site n'est pas encore connu."
        return
    if not (kept and kept.facts.line.down_bits_per_second):
        yield "Mesurer la ligne si aucun poste du site ne l'a fait : prerequis-agent run --now."
    unseen = known.workstations - known.workstations_seen
    if known.HasField("workstations") and unseen > 0:
        yield f"Observer les autres postes : {known.workstations_seen} vus sur {known.workstations}."
    elif not known.HasField("workstations"):
        yield f"Faire déclarer le nombre de postes du site ; {known.workstations_seen} vus."
    unanswered = known.questions - known.questions_answered
    if unanswered > 0:
        yield f"Répondre au questionnaire du site avec un responsable : {unanswered} questions sur {known.questions}."
