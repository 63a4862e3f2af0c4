"""A site's needs, added up."""

from tests.rules.said import Said, subjects

from prerequis_rules.model import Judgement, Quantity, Verdict
from prerequis_rules.needs import SiteNeed, site_needs
from prerequis_rules.pack import Pack


def asking(rule: str, item: str, certain: int, possible: int | None, subject: str = "pc") -> Judgement:
    verdict = Verdict.FAIL if certain else Verdict.UNKNOWN
    return Judgement(rule, subject, verdict, {item: Quantity(certain, possible)}, Said("5 poste(s)"))


def test_needs_are_added_up_by_article_with_a_reason_for_each_rule(pack: Pack) -> None:
    judgements = [
        asking("memory-sufficient", "memory", 2, 2, "a"),
        asking("enough-devices", "workstation", 3, 5, "site"),
        asking("memory-sufficient", "memory", 0, 1, "b"),
        asking("no-failing-machine", "workstation", 1, 1, "site"),
    ]
    assert site_needs(pack, subjects(judgements)) == (
        SiteNeed("memory", Quantity(2, 3), ("Le poste a assez de mémoire : 2 postes à pourvoir ou à vérifier",)),
        SiteNeed(
            "workstation",
            Quantity(4, 6),
            (
                "Le site a assez de postes (constaté : 5 poste(s))",
                "Aucun poste n'est à remplacer (constaté : 5 poste(s))",
            ),
        ),
    )


def test_one_need_without_limit_takes_the_limit_from_the_sum(pack: Pack) -> None:
    judgements = [asking("memory-sufficient", "memory", 2, 2), asking("memory-sufficient", "memory", 0, None, "b")]
    assert site_needs(pack, subjects(judgements))[0].quantity == Quantity(2, None)


def test_one_machine_is_one_machine(pack: Pack) -> None:
    (need,) = site_needs(pack, subjects([asking("memory-sufficient", "memory", 1, 1)]))
    assert need.reasons == ("Le poste a assez de mémoire : 1 poste à pourvoir ou à vérifier",)


def test_a_waived_fail_asks_for_nothing(pack: Pack) -> None:
    assert site_needs(pack, subjects([asking("memory-sufficient", "memory", 2, 2)._replace(waived=True)])) == ()
