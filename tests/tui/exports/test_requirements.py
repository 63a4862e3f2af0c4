"""What is known of a framework, requirement by requirement, and how CISO Assistant is told."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest

from prerequis.v1.judgement_pb2 import FrameworkResult, Judgement, RequirementResult
from prerequis.v1.register_pb2 import Site
from prerequis.v1.review_pb2 import (
    FrameworkText,
    GetSiteResponse,
    MappedFrameworkRequirement,
    WorkstationSummary,
)
from prerequis_tui.requirements import Requirement, Standing, mapped_requirements, requirements_of

if TYPE_CHECKING:
    from tests.tui.conftest import Collector, Run

GUIDE = FrameworkText(id="anssi-hygiene", title="Guide", attribution="ANSSI", urn="urn:guide:")
RECYF = FrameworkText(
    id="recyf",
    attribution="ANSSI, ReCyF",
    urn="urn:recyf:",
    note="Rapprochement propre à Prérequis.",
    mapped=[
        MappedFrameworkRequirement(id="5.B.4", title="Correctifs", requirements=["anssi-hygiene/17"]),
        MappedFrameworkRequirement(id="6.1", title="Locaux"),
    ],
)
MATURITY = FrameworkText(id="maturin-sms", note="Rapprochement.", mapped=RECYF.mapped)
PASS, FAIL, UNKNOWN, NOT_APPLICABLE = Judgement.PASS, Judgement.FAIL, Judgement.UNKNOWN, Judgement.NOT_APPLICABLE


def verdict(rule: str, value: Judgement.Verdict.ValueType, subject: str = "590000001", **more: object) -> Judgement:
    one = Judgement(rule=rule, title=f"Titre {rule}", subject=subject, verdict=value, scope="site", level="major")
    for name, kept in more.items():
        setattr(one, name, kept)
    return one


def site(*verdicts: Judgement, machines: int = 1, seen: int = 1) -> GetSiteResponse:
    """Return a site where measure 17 has the rules a and b, and r at its higher level."""
    measure = RequirementResult(id="17", title="Pare-feu", rules=["a", "b", "r"], reinforced=["r"], covered=True)
    return GetSiteResponse(
        site=Site(finess="590000001", name="EHPAD Les Tilleuls", workstations=machines),
        workstations=[WorkstationSummary(id=f"w{number}") for number in range(seen)],
        frameworks=[FrameworkResult(id="anssi-hygiene", verdicts=verdicts, requirements=[measure])],
    )


def levels(given: GetSiteResponse) -> list[Requirement]:
    return list(requirements_of(given, "anssi-hygiene"))


@pytest.mark.parametrize(
    ("a", "b", "standing"),
    [
        (PASS, PASS, Standing.MET),
        (PASS, NOT_APPLICABLE, Standing.MET),
        (NOT_APPLICABLE, NOT_APPLICABLE, Standing.NOT_APPLICABLE),
        (PASS, UNKNOWN, Standing.UNKNOWN),
        (UNKNOWN, UNKNOWN, Standing.UNKNOWN),
        (PASS, FAIL, Standing.PARTLY),
        (UNKNOWN, FAIL, Standing.PARTLY),
        (NOT_APPLICABLE, FAIL, Standing.NOT_MET),
        (FAIL, FAIL, Standing.NOT_MET),
    ],
)
def test_a_requirement_stands_as_its_rules_do(
    a: Judgement.Verdict.ValueType, b: Judgement.Verdict.ValueType, standing: Standing
) -> None:
    standard, reinforced = levels(site(verdict("a", a), verdict("b", b), verdict("r", PASS)))
    assert (standard.standing, standard.reinforced) == (standing, False)
    assert (reinforced.standing, reinforced.reinforced) == (Standing.MET, True)


def test_a_rule_that_was_not_judged_leaves_its_requirement_open() -> None:
    standard, reinforced = levels(site(verdict("a", PASS)))
    assert (standard.standing, standard.unknown) == (Standing.UNKNOWN, ("b",))
    assert reinforced.standing is Standing.UNKNOWN


def test_a_blocking_failure_is_no_part_and_a_waived_one_is_said() -> None:
    blocking, _ = levels(site(verdict("a", PASS), verdict("b", FAIL, level="blocking")))
    waived, _ = levels(site(verdict("a", PASS), verdict("b", FAIL, level="blocking", waived=True)))
    assert (blocking.standing, blocking.failed) == (Standing.NOT_MET, ("Titre b",))
    assert (waived.standing, waived.failed) == (Standing.PARTLY, ("Titre b (dérogation)",))


@pytest.mark.parametrize(("machines", "seen", "standing"), [(2, 2, Standing.MET), (3, 2, Standing.UNKNOWN)])
def test_a_rule_about_machines_holds_only_where_all_were_seen(machines: int, seen: int, standing: Standing) -> None:
    of_machines = [verdict(rule, PASS, f"w{number}", scope="workstation") for rule in "ab" for number in range(2)]
    standard, _ = levels(site(*of_machines, machines=machines, seen=seen))
    assert standard.standing is standing


def test_one_machine_that_fails_keeps_the_requirement_from_being_met() -> None:
    given = [verdict("a", PASS, "w0", scope="workstation"), verdict("a", FAIL, "w1", scope="workstation")]
    standard, _ = levels(site(*given, verdict("b", PASS), machines=2, seen=2))
    assert standard.standing is Standing.PARTLY


def test_a_mapped_requirement_stands_by_the_level_asked_of_everybody() -> None:
    near, alone = mapped_requirements(site(verdict("a", PASS), verdict("b", PASS), verdict("r", FAIL)), RECYF)
    assert (near.standing, near.basis) == (Standing.MET, ("anssi-hygiene/17",))
    assert alone.standing is Standing.UNKNOWN


@pytest.fixture
def known(collector: Collector) -> Collector:
    collector.kept.pack.frameworks.extend([GUIDE, RECYF, MATURITY])
    given = site(verdict("a", PASS), verdict("b", PASS), verdict("r", FAIL))
    collector.kept.details["590000001"] = given
    return collector


def rows(path: Path) -> list[dict[str, object]]:
    (sheet,) = openpyxl.load_workbook(path).worksheets
    head, *lines = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, head), line, strict=True)) for line in lines]


async def test_ciso_assistant_is_told_each_level_by_its_urn(known: Collector, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "audit.xlsx"
    ended = await run("export", "590000001", "--format", "ciso-assistant", "--out", str(path))
    assert (ended.code, ended.err) == (0, "")
    assert "2 exigences" in ended.out
    standard, reinforced = rows(path)
    assert (standard["urn"], standard["ref_id"], standard["compliance_result"]) == ("urn:guide:17", "17", "compliant")
    assert (reinforced["urn"], reinforced["ref_id"]) == ("urn:guide:17.r", "17.R")
    assert reinforced["compliance_result"] == "non_compliant"
    assert "Titre r" in str(reinforced["observations"])
    assert {standard["requirement_progress"], reinforced["requirement_progress"]} == {"in_review"}


async def test_a_framework_by_nearness_is_never_told_compliant(known: Collector, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "audit.xlsx"
    ended = await run("export", "590000001", "--framework", "recyf", "--format", "ciso-assistant", "--out", str(path))
    assert "Rapprochement propre à Prérequis." in ended.out
    near, alone = rows(path)
    assert (near["urn"], near["compliance_result"]) == ("urn:recyf:5.b.4", "not_assessed")
    assert "conforme" in str(near["observations"])
    assert "Rapprochement" in str(near["observations"])
    assert (alone["compliance_result"], alone["requirement_progress"]) == ("not_assessed", "to_do")


async def test_people_read_the_same_as_a_table(known: Collector, run: Run) -> None:
    ended = await run("export", "590000001", "--framework", "maturin-sms", "--format", "csv")
    (near, _) = csv.DictReader(io.StringIO(ended.raw.decode("utf-8-sig")), delimiter=";")
    assert (near["Exigence"], near["État"], near["Rapproché de"]) == ("5.B.4", "conforme", "anssi-hygiene/17")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--framework", "iso", "--format", "csv"), "choisir parmi anssi-hygiene, recyf, maturin-sms"),
        (("--framework", "maturin-sms", "--format", "ciso-assistant", "--out", "x.xlsx"), "choisir --format xlsx"),
        (("--format", "ciso-assistant"), "ajouter --out"),
    ],
)
async def test_what_cannot_be_exported_is_refused_in_words(
    known: Collector, run: Run, arguments: tuple[str, ...], said: str
) -> None:
    ended = await run("export", "590000001", *arguments)
    assert ended.code == 2
    assert said in ended.err


async def test_a_file_is_not_replaced_unasked(known: Collector, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "audit.xlsx"
    path.write_text("kept")
    assert (await run("export", "590000001", "--format", "xlsx", "--out", str(path))).code == 2
    assert path.read_text() == "kept"
