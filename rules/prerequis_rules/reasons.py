"""Why a verdict is not known: what was not seen, not declared, not answered, so that somebody can go and look."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Literal

from prerequis.v1.context_pb2 import SiteMeasures
from prerequis.v1.register_pb2 import Profile, Site
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_rules.model import Rule
from prerequis_rules.pack import Pack

# What dated knowledge derives comes from the facts of one probe.
_PROBE_OF = {"os": "system", "cards": "smartcard", "readers": "smartcard", "applications": "applications"}

_REGISTER: dict[Literal["professionals", "simultaneous_users", "secretariats", "workstations"], str] = {
    "professionals": "le nombre de professionnels",
    "simultaneous_users": "le nombre d'utilisateurs simultanés",
    "secretariats": "le nombre de secrétariats",
    "workstations": "le nombre de postes",
}

_LineFigure = Literal["down_bits_per_second", "up_bits_per_second", "rtt_seconds", "jitter_seconds", "connections"]
_OF_LINE: frozenset[_LineFigure] = frozenset(
    {"down_bits_per_second", "up_bits_per_second", "rtt_seconds", "jitter_seconds", "connections"}
)


def of_workstation(
    rule: Rule, probes: Iterable[ProbeRun], *, role_known: bool, profile: Profile | None = None
) -> list[str]:
    """Return what kept a workstation rule from a verdict: each probe it rests on that could not see everything."""
    condition = _condition(rule)
    wanted = set(re.findall(r"\bfacts\.(\w+)", condition))
    wanted |= {_PROBE_OF[name] for name in re.findall(r"\bderived\.(\w+)", condition) if name in _PROBE_OF}
    reasons = []
    if not role_known and re.search(r"\bworkstation\.role\b", condition):
        reasons.append("Le rôle du poste n'est pas déclaré.")
    reasons += _unconfirmed(condition, profile)
    reasons += [run.detail for run in probes if run.name in wanted and run.detail]
    return list(dict.fromkeys(reasons))


def of_site(
    pack: Pack,
    rule: Rule,
    site: Site,
    answered: Container[str],
    *,
    unseen: int | None,
    profile: Profile | None = None,
    measures: SiteMeasures | None = None,
) -> list[str]:
    """Return what kept a site rule from a verdict.

    `answered` holds the questions that have an answer that counts; `measures` is what the site's machines measured.
    """
    counted = (pack.rules[one] for one in re.findall(r"\btally\[['\"]([\w-]+)['\"]\]", _condition(rule)))
    conditions = "\n".join(map(_condition, (rule, *counted)))
    return [
        *_of_site(pack, rule, site, answered, unseen),
        *_of_network(_condition(rule), measures or SiteMeasures()),
        *_unconfirmed(conditions, profile),
    ]


def _of_site(pack: Pack, rule: Rule, site: Site, answered: Container[str], unseen: int | None) -> Iterator[str]:
    condition = _condition(rule)
    for question in dict.fromkeys(re.findall(r"\banswers\[['\"]([\w-]+)['\"]\]", condition)):
        if question not in answered:
            yield f"Question sans réponse : {pack.questions[question].text}"
    used = set(re.findall(r"\bsite\.(\w+)", condition))
    missing = {field: label for field, label in _REGISTER.items() if field in used and not site.HasField(field)}
    # What a condition asks about before it uses it can be replaced, as long as the rest is known.
    if not missing.keys() <= set(re.findall(r"\bhas\(site\.(\w+)\)", condition)):
        yield f"Le registre du site ne dit pas {_listed(list(missing.values()))}."
    if re.search(r"\btally\[", condition):
        yield from _unseen(unseen)


def _of_network(condition: str, measures: SiteMeasures) -> Iterator[str]:
    used = set(re.findall(r"\bmeasures\.(\w+)", condition))
    figures = used & _OF_LINE
    if any(not measures.HasField(figure) for figure in figures):
        yield "La ligne n'est pas mesurée : lancer « prerequis-agent measure » sur un poste câblé du site."
    elif figures and measures.line_provisional:
        yield "La ligne n'est pas assez mesurée : il faut cinq jours de pointe, ou un essai net par câble."
    elif any(getattr(measures, one) for one in used & {"down_censored", "up_censored"}):
        yield (
            "Les essais n'ont pas rempli la ligne : lancer « prerequis-agent measure --capacity » sur un poste câblé, "
            "aux heures de pointe."
        )
    if "services" in used and not measures.HasField("services"):
        yield "Services jamais interrogés : lancer « prerequis-agent run --now » sur un poste du site."
    elif "purpose == 'dui'" in condition and all(one.endpoint.purpose != "dui" for one in measures.services.asked):
        yield "Le profil de l'éditeur ne nomme aucun hôte du DUI : le lui demander, puis compléter le profil."


def _unconfirmed(condition: str, profile: Profile | None) -> Iterator[str]:
    if profile is not None and "profile.confirmed_on" in condition and not profile.HasField("confirmed_on"):
        yield f"À confirmer : personne n'a confirmé avec l'éditeur les valeurs du profil « {profile.name} »."


def _unseen(unseen: int | None) -> Iterator[str]:
    if unseen is None:
        yield f"Le registre du site ne dit pas {_REGISTER['workstations']}."
    elif unseen:
        yield f"Postes jamais vus : {unseen}."


def _condition(rule: Rule) -> str:
    return f"{rule.applies or ''}\n{rule.met}"


def _listed(names: Sequence[str]) -> str:
    return " ni ".join(names)
