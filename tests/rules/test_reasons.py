"""An unknown verdict says what would make it known."""

from dataclasses import replace

import pytest

from prerequis.v1.context_pb2 import SiteMeasures
from prerequis.v1.register_pb2 import Profile, Site
from prerequis.v1.report_pb2 import ProbeRun
from prerequis_rules import reasons
from prerequis_rules.model import Rule
from prerequis_rules.pack import Pack

STOPPED = ProbeRun(name="smartcard", outcome=ProbeRun.UNSUPPORTED, detail="Le service PC/SC est arrêté : le démarrer.")
QUIET = ProbeRun(name="machine", outcome=ProbeRun.FOUND)
OTHER = ProbeRun(name="line", outcome=ProbeRun.UNSUPPORTED, detail="La ligne n'a pas été mesurée.")


def of_site(pack: Pack, rule: str, site: Site, *answered: str, unseen: int | None = 0) -> list[str]:
    return reasons.of_site(pack, pack.rules[rule], site, answered, unseen=unseen)


def test_a_probe_that_could_not_look_is_the_reason(shipped: Pack) -> None:
    rule = shipped.rules["reader-on-care-workstation"]
    assert reasons.of_workstation(rule, [QUIET, STOPPED, OTHER], role_known=True) == [STOPPED.detail]


def test_a_role_that_nobody_declared_is_a_reason(shipped: Pack) -> None:
    rule = shipped.rules["reader-on-care-workstation"]
    assert reasons.of_workstation(rule, [], role_known=False) == ["Le rôle du poste n'est pas déclaré."]
    assert reasons.of_workstation(shipped.rules["memory-sufficient"], [], role_known=False) == []


def test_what_is_derived_rests_on_its_probe(shipped: Pack) -> None:
    system = ProbeRun(name="system", outcome=ProbeRun.FAILED, detail="Le système ne répond pas.")
    assert reasons.of_workstation(shipped.rules["os-supported"], [system, OTHER], role_known=True) == [system.detail]
    programs = ProbeRun(name="applications", outcome=ProbeRun.FAILED, detail="Les programmes ne se lisent pas.")
    of_programs = replace(
        shipped.rules["office-supported"], met="derived.applications.all(p, p.supported)", applies=None
    )
    assert reasons.of_workstation(of_programs, [programs], role_known=True) == [programs.detail]


def test_a_question_without_an_answer_is_asked(shipped: Pack) -> None:
    (reason,) = of_site(shipped, "second-internet-path", Site())
    assert reason == f"Question sans réponse : {shipped.questions['second-internet-access'].text}"
    assert of_site(shipped, "second-internet-path", Site(), "second-internet-access") == []


def test_what_the_register_leaves_out_is_named(shipped: Pack) -> None:
    told = of_site(shipped, "enough-devices", Site(workstations=4), unseen=0)
    assert told == ["Le registre du site ne dit pas le nombre de professionnels."]
    assert of_site(shipped, "enough-devices", Site(workstations=4, professionals=3), unseen=2) == [
        "Postes jamais vus : 2."
    ]
    assert of_site(shipped, "enough-devices", Site(professionals=3), unseen=None) == [
        "Le registre du site ne dit pas le nombre de postes."
    ]


def test_what_the_register_can_do_without_is_no_reason(shipped: Pack) -> None:
    of_line = SiteMeasures(down_bits_per_second=8e6, line_provisional=False)

    def told(site: Site) -> list[str]:
        return reasons.of_site(shipped, shipped.rules["line-down"], site, (), unseen=0, measures=of_line)

    assert told(Site(professionals=3)) == []
    assert told(Site()) == [
        "Le registre du site ne dit pas le nombre de professionnels ni le nombre d'utilisateurs simultanés."
    ]


NOT_MEASURED = "La ligne n'est pas mesurée : lancer « prerequis-agent measure » sur un poste câblé du site."
TOO_FEW_DAYS = "La ligne n'est pas assez mesurée : il faut cinq jours de pointe, ou un essai net par câble."
NEVER_FULL = (
    "Les essais n'ont pas rempli la ligne : lancer « prerequis-agent measure --capacity » sur un poste câblé, "
    "aux heures de pointe."
)


@pytest.mark.parametrize(
    ("rule", "measures", "told"),
    [
        ("line-down", SiteMeasures(), [NOT_MEASURED]),
        ("line-down", SiteMeasures(down_bits_per_second=8e6, line_provisional=True), [TOO_FEW_DAYS]),
        ("line-down", SiteMeasures(down_bits_per_second=8e6, line_provisional=False, down_censored=True), [NEVER_FULL]),
        ("line-up", SiteMeasures(down_bits_per_second=8e6, line_provisional=False), [NOT_MEASURED]),
        ("latency", SiteMeasures(), [NOT_MEASURED]),
        ("latency", SiteMeasures(rtt_seconds=0.06, line_provisional=True), [TOO_FEW_DAYS]),
        ("latency", SiteMeasures(rtt_seconds=0.06, line_provisional=False), []),
    ],
)
def test_what_is_missing_of_a_lines_measure_is_a_reason(
    shipped: Pack, rule: str, measures: SiteMeasures, told: list[str]
) -> None:
    known = Site(professionals=3, simultaneous_users=1)
    assert reasons.of_site(shipped, shipped.rules[rule], known, (), unseen=0, measures=measures) == told


def test_services_that_nobody_asked_are_a_reason(shipped: Pack) -> None:
    told = "Services jamais interrogés : lancer « prerequis-agent run --now » sur un poste du site."
    assert of_site(shipped, "services-reachable", Site()) == [told]
    rule, asked = shipped.rules["services-reachable"], SiteMeasures()
    asked.services.asked.add().endpoint.purpose = "collector"
    assert reasons.of_site(shipped, rule, Site(), (), unseen=0, measures=asked) == [
        "Le profil de l'éditeur ne nomme aucun hôte du DUI : le lui demander, puis compléter le profil."
    ]
    asked.services.asked.add().endpoint.purpose = "dui"
    assert reasons.of_site(shipped, rule, Site(), (), unseen=0, measures=asked) == []


def test_a_rule_that_rests_on_nothing_named_gives_no_reason(shipped: Pack) -> None:
    rule: Rule = replace(shipped.rules["memory-sufficient"], met="1 == 1", applies=None)
    assert reasons.of_workstation(rule, [STOPPED], role_known=False) == []


def test_a_profile_that_nobody_confirmed_is_a_reason(shipped: Pack) -> None:
    told = "À confirmer : personne n'a confirmé avec l'éditeur les valeurs du profil « Essai »."
    memory, confirmation = shipped.rules["memory-sufficient"], shipped.rules["editor-profile-confirmed"]
    assert reasons.of_workstation(memory, [], role_known=True, profile=Profile(name="Essai")) == [told]
    assert reasons.of_site(shipped, confirmation, Site(), (), unseen=0, profile=Profile(name="Essai")) == [told]
    enough = shipped.rules["enough-devices"]
    known = Site(workstations=4, professionals=3)
    assert reasons.of_site(shipped, enough, known, (), unseen=0, profile=Profile(name="Essai")) == [told]
    confirmed = Profile(name="Essai")
    confirmed.confirmed_on.FromJsonString("2026-03-01T00:00:00Z")
    assert reasons.of_workstation(memory, [], role_known=True, profile=confirmed) == []
