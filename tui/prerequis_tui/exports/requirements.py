"""What is known of a framework at a site, as a table for people and as one that CISO Assistant imports."""

from collections.abc import Iterable, Mapping, Sequence

from prerequis.v1 import review_pb2
from prerequis_tui.exports.table import Cell, Table
from prerequis_tui.requirements import Requirement, Standing

_COLUMNS = {
    "FINESS": 12,
    "Site": 32,
    "Exigence": 10,
    "Titre": 60,
    "Niveau": 11,
    "État": 14,
    "Écarts": 60,
    "À déterminer": 60,
    "Rapproché de": 30,
}
_CISO_ASSISTANT = {
    "urn": 52,
    "assessable": 11,
    "ref_id": 8,
    "name": 60,
    "description": 12,
    "compliance_result": 20,
    "requirement_progress": 20,
    "score": 8,
    "implementation_score": 8,
    "documentation_score": 8,
    "observations": 90,
}
"""Source: CISO Assistant's guide « Data import wizard », Audits; left empty, the scores are not set."""

_RESULTS: Mapping[Standing, str] = {
    Standing.MET: "compliant",
    Standing.PARTLY: "partially_compliant",
    Standing.NOT_MET: "non_compliant",
    Standing.UNKNOWN: "not_assessed",
    Standing.NOT_APPLICABLE: "not_applicable",
}


def requirements_table(
    site: review_pb2.GetSiteResponse, framework: review_pb2.FrameworkText, requirements: Iterable[Requirement]
) -> Table:
    """Return one row for each requirement and level, for a person."""
    rows = [_row(site, one) for one in requirements]
    return Table(_sheet(framework), tuple(_COLUMNS), tuple(_COLUMNS.values()), rows)


def ciso_assistant_table(framework: review_pb2.FrameworkText, requirements: Iterable[Requirement]) -> Table:
    """Return the sheet of an audit, keyed by the URNs of CISO Assistant's library.

    No requirement is told done: a person reviews each. A mapped framework is never told compliant, for it is our own
    reading that brings it near to rules written for another.
    """
    rows = [_ciso_assistant_row(framework, one) for one in requirements]
    return Table(_sheet(framework), tuple(_CISO_ASSISTANT), tuple(_CISO_ASSISTANT.values()), rows)


def _sheet(framework: review_pb2.FrameworkText) -> str:
    return framework.id[:31]  # the most that a sheet's name may have


def _row(site: review_pb2.GetSiteResponse, one: Requirement) -> Sequence[Cell]:
    return (
        site.site.finess,
        site.site.name,
        one.id,
        one.title,
        "renforcé" if one.reinforced else "",
        one.standing.value,
        " ; ".join(one.failed),
        " ; ".join(one.unknown),
        ", ".join(one.basis),
    )


def _ciso_assistant_row(framework: review_pb2.FrameworkText, one: Requirement) -> Sequence[Cell]:
    reference = f"{one.id}.R" if one.reinforced else one.id
    held_back = bool(framework.note) and one.standing is Standing.MET
    return (
        f"{framework.urn}{reference.lower()}",
        "x",
        reference,
        one.title,
        "",
        _RESULTS[Standing.UNKNOWN if held_back else one.standing],
        "to_do" if one.standing is Standing.UNKNOWN and not one.passed else "in_review",
        "",
        "",
        "",
        _observations(framework, one),
    )


def _observations(framework: review_pb2.FrameworkText, one: Requirement) -> str:
    parts = [f"Prérequis : {one.standing.value}."]
    if one.failed:
        parts.append(f"Écarts : {' ; '.join(one.failed)}.")
    if one.unknown:
        parts.append(f"À déterminer : {' ; '.join(one.unknown)}.")
    if one.passed:
        parts.append(f"Vérifications conformes : {one.passed}.")
    if framework.note:
        parts.append(f"D'après {', '.join(one.basis) or 'aucune mesure'}. {framework.note}")
    return " ".join(parts)
