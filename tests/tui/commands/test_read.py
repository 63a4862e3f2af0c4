"""What the read commands say, to people and to programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from prerequis.v1 import review_pb2

if TYPE_CHECKING:
    from tests.tui.conftest import Collector, Run


def _bare() -> review_pb2.SiteSummary:
    """Return a site of which nothing but the name is known."""
    return review_pb2.SiteSummary(finess="590000009", name="SESSAD Les Embruns")


async def test_sites_are_listed_worst_first(park: Collector, run: Run) -> None:
    listed = json.loads((await run("sites", "--json")).out)
    assert [site["readiness"] for site in listed["sites"]] == [
        "NOT_READY",
        "NOT_READY",
        "INSUFFICIENT_DATA",
        "READY_WITH_RESERVATIONS",
        "READY",
    ]
    assert listed["total"] == 5


async def test_a_site_in_the_list_has_the_keys_that_scripts_use(park: Collector, run: Run) -> None:
    first = json.loads((await run("sites", "--json")).out)["sites"][0]
    assert first == {
        "finess": "590000001",
        "name": "EHPAD Les Tilleuls",
        "readiness": "NOT_READY",
        "score": {"low": 62.0, "high": 87.0},
        "coverage": 72.0,
        "workstations": 7,
        "lastSeen": "2026-11-22T09:12:00Z",
        "judgedOn": None,
    }


async def test_sites_that_are_still_being_judged_are_told_of(park: Collector, run: Run) -> None:
    assert "en cours d'évaluation" not in (await run("sites")).out
    park.kept.being_judged = 2
    for site, day in zip(park.kept.sites, (21, 20), strict=False):
        site.judged_on.FromDatetime(datetime(2025, 11, day, tzinfo=UTC))
    out = " ".join((await run("sites")).out.split())
    assert "2 sites sont en cours d'évaluation ; les lignes les plus anciennes sont du 20/11/2025" in out
    assert out.endswith(": relancer dans un instant.")
    listed = json.loads((await run("sites", "--json")).out)
    assert (listed["beingJudged"], sorted(one["judgedOn"] or "" for one in listed["sites"])[-1]) == (2, "2025-11-21")


async def test_what_is_not_known_of_a_site_is_null(collector: Collector, run: Run) -> None:
    collector.kept.sites.append(_bare())
    site = json.loads((await run("sites", "--json")).out)["sites"][0]
    assert (site["readiness"], site["score"], site["coverage"], site["lastSeen"]) == (None, None, None, None)


async def test_the_printed_list_says_every_state_in_words(park: Collector, run: Run) -> None:
    out = (await run("sites")).out
    assert "590000001  EHPAD Les Tilleuls     ✘ Pas prêt" in out
    assert "62 à 87 %     72 %       7  22/11/2026" in out
    assert out.splitlines()[-1].startswith("5 sites   ✘ Pas prêt : 2")
    assert "\x1b" not in out


async def test_an_empty_list_says_how_to_add_a_site(collector: Collector, run: Run) -> None:
    assert "prerequis-collector site add" in (await run("sites")).out


async def test_a_site_has_the_keys_that_scripts_use(park: Collector, run: Run) -> None:
    site = json.loads((await run("site", "590000001", "--json")).out)
    assert list(site) == ["finess", "name", "frameworks", "workstations", "parameters", "warnings", "lot"]
    dui = site["frameworks"][0]
    assert (dui["id"], dui["readiness"], dui["score"], dui["coverage"]) == (
        "dui",
        "NOT_READY",
        {"low": 62.0, "high": 87.0},
        72.0,
    )
    assert dui["verdicts"][0] == {
        "rule": "reader-on-care-workstation",
        "scope": "workstation",
        "subject": "w1",
        "subjectName": "PC-SOIN-1",
        "level": "blocking",
        "verdict": "FAIL",
        "waived": False,
        "observed": "aucun lecteur",
        "expected": "au moins un lecteur PC/SC",
        "reasons": [],
    }
    assert {one["verdict"] for one in dui["verdicts"]} == {"PASS", "FAIL", "UNKNOWN", "NOT_APPLICABLE"}


async def test_the_scorecard_puts_what_blocks_first_and_what_is_unknown_apart(park: Collector, run: Run) -> None:
    out = (await run("site", "590000001")).out
    headings = ["Ce qui bloque (3)", "Inconnu et bloquant", "Autres écarts (1)", "Dérogations", "Conforme (4)"]
    places = [out.index(heading) for heading in headings]
    assert places == sorted(places)
    blocks, unknown = out[places[0] : places[1]], out[places[1] : places[2]]
    assert "Le débit de la ligne" in unknown
    assert "Le débit de la ligne" not in blocks
    assert "✘ PAS PRÊT" in out
    assert "62 à 87 % (72 % vérifié)" in out


async def test_the_scorecard_names_machines_and_the_next_action(park: Collector, run: Run) -> None:
    out = (await run("site", "590000001")).out
    assert "postes     PC-SOIN-1, PC-SOIN-2\n" in out
    assert "constaté   aucun lecteur\n" in out
    assert "à faire    Prévoir 1 poste de plus, fixe ou mobile.\n" in out
    assert "constaté   non connu\n" in out


async def test_the_scorecard_lists_what_nothing_verifies(park: Collector, run: Run) -> None:
    out = (await run("site", "590000001")).out
    assert "Exigences que Prérequis ne vérifie pas (2)" in out
    assert "P13  Onduleur sur la baie" in out


async def test_no_line_of_a_piped_scorecard_is_too_wide_or_ends_in_blanks(park: Collector, run: Run) -> None:
    lines = (await run("site", "590000001", "--all")).out.split("\n")
    assert max(map(len, lines)) <= 100
    assert not [line for line in lines if line != line.rstrip()]


async def test_a_site_that_nobody_measured_has_unknown_needs_not_nil(park: Collector, run: Run) -> None:
    out = (await run("site", "590000002")).out
    assert "Rien n'a encore été jugé" in out
    assert "les besoins ne sont pas nuls, ils ne sont pas connus" in out


async def test_an_operator_who_may_not_see_needs_still_sees_the_site(park: Collector, run: Run) -> None:
    park.kept.needs_refusal = (grpc.StatusCode.PERMISSION_DENIED, "non")
    ended = await run("site", "590000001")
    assert ended.code == 0
    assert "PAS PRÊT" in ended.out
    assert "Besoins" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("site", "590000001"), 0),
        (("site", "590000001", "--fail-on", "not-ready"), 1),
        (("sites", "--fail-on", "not-ready"), 1),
        (("sites", "--json", "--fail-on", "reservations"), 1),
    ],
)
async def test_a_finding_is_an_exit_code_only_when_asked_for(
    park: Collector, run: Run, arguments: tuple[str, ...], code: int
) -> None:
    assert (await run(*arguments)).code == code


@pytest.mark.parametrize(("fail_on", "code"), [("not-ready", 0), ("insufficient-data", 1), ("reservations", 1)])
async def test_a_site_that_was_never_judged_is_not_data_enough(
    collector: Collector, run: Run, fail_on: str, code: int
) -> None:
    collector.kept.sites.append(_bare())
    assert (await run("sites", "--fail-on", fail_on)).code == code


async def test_needs_have_the_keys_that_scripts_use(park: Collector, run: Run) -> None:
    needs = json.loads((await run("needs", "--json")).out)
    assert needs["lines"][0] == {
        "finess": "590000001",
        "item": "smartcard-reader",
        "certain": 2,
        "possible": 5,
        "ordered": 1,
        "toOrder": 1,
        "deadline": "2027-03-01",
        "reasons": ["Le poste de soin a un lecteur de carte à puce"],
    }
    assert needs["lines"][1]["possible"] is None
    assert needs["lines"][2]["deadline"] is None
    assert needs["notMeasured"] == {"sites": ["590000002"]}


async def test_printed_needs_never_show_an_unbounded_quantity_as_a_number(park: Collector, run: Run) -> None:
    out = (await run("needs")).out
    assert "non connu" in out
    assert "1 site non mesuré, dont les besoins ne sont pas connus : 590000002" in out


async def test_needs_of_one_site_leave_the_others_out(park: Collector, run: Run) -> None:
    needs = json.loads((await run("needs", "--site", "2A0000005", "--json")).out)
    assert {line["finess"] for line in needs["lines"]} == {"2A0000005"}


async def test_questions_show_choices_until_they_are_answered(park: Collector, run: Run) -> None:
    questions = json.loads((await run("questions", "590000001", "--json")).out)["questions"]
    assert [(one["id"], one["answer"]) for one in questions] == [("mode-insi", None), ("sauvegarde-testee", "oui")]
    out = (await run("questions", "590000001")).out
    assert "choix : carte | certificat-serveur | mixte" in out
    assert "1 question sans réponse sur 2." in out


async def test_an_answer_reaches_the_collector(park: Collector, run: Run) -> None:
    ended = await run("answer", "590000001", "mode-insi", "carte", "--comment", "vu avec l'éditeur")
    assert ended.out == "Réponse gardée pour le site 590000001 : mode-insi = carte.\n"
    (sent,) = park.kept.answers
    assert (sent.finess, sent.question, sent.choice, sent.comment) == (
        "590000001",
        "mode-insi",
        "carte",
        "vu avec l'éditeur",
    )


async def test_an_order_reaches_the_collector_and_says_what_remains(park: Collector, run: Run) -> None:
    ended = await run("order", "add", "590000001", "smartcard-reader", "2", "--reference", "BC-2026-17")
    assert ended.code == 0
    assert "reste à commander : 3" in ended.out
    (sent,) = park.kept.orders
    assert (sent.item, sent.quantity, sent.reference) == ("smartcard-reader", 2, "BC-2026-17")
    assert "en cours d'évaluation" not in ended.out


async def test_needs_and_orders_say_that_what_they_rest_on_is_being_judged(
    park: Collector, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "en cours d'évaluation" not in (await run("needs")).out
    park.kept.being_judged = 1
    order = await run("order", "add", "590000001", "smartcard-reader", "2", "--reference", "BC-2026-17")
    assert "Le site est en cours d'évaluation" in order.out
    assert (await run("needs")).out.endswith("? 1 site est en cours d'évaluation : relancer dans un instant.\n")
    written = await run("needs", "--out", str(tmp_path / "besoins.xlsx"))
    assert written.out.endswith("1 site est en cours d'évaluation : relancer dans un instant.\n")
    assert json.loads((await run("needs", "--json")).out)["beingJudged"] == 1
    capsys.readouterr()
    table = await run("needs", "--format", "csv")
    assert "en cours d'évaluation" not in table.out
    assert capsys.readouterr().err == "1 site est en cours d'évaluation : relancer dans un instant.\n"


@pytest.mark.parametrize("quantity", ["0", "-1", "1,5", "deux", "1000000", "²"])
async def test_an_order_of_an_impossible_quantity_is_wrong_usage(run: Run, quantity: str) -> None:
    with pytest.raises(SystemExit) as ended:
        await run("order", "add", "590000001", "smartcard-reader", "--reference", "BC-1", "--", quantity)
    assert ended.value.code == 2


async def test_a_machine_whose_identity_is_odd_is_told_of_with_what_to_do(park: Collector, run: Run) -> None:
    machine = park.kept.details["590000001"].workstations[0]
    machine.quarantined = True
    machine.warnings.append("Clone : à départager.")
    told = json.loads((await run("site", "590000001", "--json")).out)["workstations"][0]
    assert (told["quarantined"], told["warnings"]) == (True, ["Clone : à départager."])
    assert f"Attention : poste {told['name']}. Clone : à départager." in (await run("site", "590000001")).out


async def test_a_site_that_nobody_has_seen_is_not_ready_by_its_register(park: Collector, run: Run) -> None:
    park.kept.sites[1].workstations = 0
    assert "✘ Pas prêt (registre)" in (await run("sites")).out


async def test_what_a_site_settled_what_weakens_its_verdicts_and_its_lot_are_told_to_scripts(
    park: Collector, run: Run
) -> None:
    detail = park.kept.details["590000001"]
    del detail.parameters[:], detail.warnings[:]
    detail.parameters.add(
        name="débit", value="4,0 Mbit/s (500 Ko/s)", profile_value="2,0 Mbit/s (250 Ko/s)", reason="vidéo"
    )
    detail.parameters[0].settled_at.FromJsonString("2026-11-20T10:00:00Z")
    detail.warnings.append("knowledge/readers.toml date du 01/01/2026.")
    detail.lot.title = "Lot 1"
    detail.lot.opens.FromJsonString("2026-12-01T00:00:00Z")
    detail.lot.closes.FromJsonString("2027-03-01T00:00:00Z")
    detail.lot.goals.add(title="Dossiers actifs", percent=70, records=17)
    detail.lot.goals.add(title="Messages MSSanté", percent=10)
    told = json.loads((await run("site", "590000001", "--json")).out)
    assert told["warnings"] == ["knowledge/readers.toml date du 01/01/2026."]
    (rate,) = told["parameters"]
    assert (rate["name"], rate["value"], rate["reason"]) == ("débit", "4,0 Mbit/s (500 Ko/s)", "vidéo")
    assert (told["lot"]["opens"], told["lot"]["closes"]) == ("2026-12-01", "2027-03-01")
    assert [goal["records"] for goal in told["lot"]["goals"]] == [17, None]


async def test_the_whole_scorecard_names_the_rules_that_other_commands_ask_for(park: Collector, run: Run) -> None:
    assert "one-device-per-three" not in (await run("site", "590000001")).out
    assert "      règle      one-device-per-three\n" in (await run("site", "590000001", "--all")).out
