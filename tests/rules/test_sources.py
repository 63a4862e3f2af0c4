"""The shipped pack says what its sources say."""

import re
import tomllib
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from prerequis.v1.register_pb2 import AllowedSystem, Profile, ProfileHost, RequiredProgram
from prerequis_rules.cases import run_case
from prerequis_rules.derive import card_of
from prerequis_rules.model import Verdict
from prerequis_rules.pack import Pack

PACK = Path(str(files("prerequis_rules")))
SHARED = Path(__file__).parents[3] / "shared"
# The guide is not among the seeds; its measures are quoted by their official titles, which the framework has.
GUIDE = "anssi-guide-hygiene-v2.0-2017"
# What the guide does not ask names a publisher and a number, whose text is not ours to copy.
GOOD_PRACTICE = "bonne-pratique"
RULED = sorted([*PACK.glob("rules/*/*.toml"), *PACK.glob("questions/*.toml")])
SOURCED = [*RULED, *sorted(PACK.glob("calendars/*.toml"))]
LIFECYCLES = sorted(PACK.glob("knowledge/lifecycle-*.toml"))

EDITIONS = (
    "Core", "CoreN", "CoreSingleLanguage", "CoreCountrySpecific", "Professional", "ProfessionalN",
    "ProfessionalEducation", "ProfessionalWorkstation", "Enterprise", "EnterpriseN", "EnterpriseS", "EnterpriseSN",
    "Education", "EducationN", "IoTEnterprise", "IoTEnterpriseS", "ServerStandard", "ServerDatacenter",
    "ServerStandardACor", "ServerDatacenterACor",
)  # fmt: skip

CARDS = {
    "3BAC00402A001225006480820212009000": "cps2ter",
    "3BAC00402A001225006480000310009000": "cps3",
    "3B8F80010031B86404B0ECC1739401808290000E": "cps3-contactless",
    "3B9B188001001225006480040100009044": "cps4",
    "3B9B188001001225006480000401009044": "cps4",
    "3BDC18FF00001225006480000401009000": "cps4",
    "3B9B188001001225006480050100009044": "cpx-probable",
    "3B751300004309EA9000": "vitale",
    "3B751300004C09EA9000": "vitale",
    "3B751300004509FA9000": "vitale",
    "3F6525002C09699000": "vitale",
    "3F652500A4096A9000": "vitale",
    "3B751300009C02020102": "other",
    "3B8F80010031B86404B0ECC173940180FFFFFFE3": "other",
    "3B7F1800000031B8645023ECC1739401808290 00": "other",
    "3BDB96FF80B1FE451F870031C164093364490F9000BC": "other",
    "3B6500002063CB6800": "other",
    "3F6525000400046C9000": "other",
    "": "other",
}


@cache
def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def of_document(*documents: str, other: bool = False) -> list[Path]:
    """Return the rules and questions that quote these documents; or, when `other`, those that quote another one."""
    return [path for path in SOURCED if (read(path)["source"]["document"] in documents) != other]


def editions_of(row: dict[str, Any]) -> set[str]:
    return {edition for edition in EDITIONS if any(fnmatchcase(edition, pattern) for pattern in row["editions"])}


@pytest.mark.skipif(not (SHARED / "seeds").is_dir(), reason="the source documents are not beside the repository")
@pytest.mark.parametrize("path", of_document(GUIDE, GOOD_PRACTICE, other=True), ids=lambda path: path.stem)
def test_a_quote_is_found_to_the_letter_in_its_document(path: Path) -> None:
    source = read(path)["source"]
    document = (SHARED / "seeds" / source["document"]).read_text(encoding="utf-8")
    assert len(source["quote"]) >= 10
    assert folded(source["quote"]) in folded(document)


@pytest.mark.parametrize("path", of_document(GUIDE), ids=lambda path: path.stem)
def test_what_rests_on_the_guide_quotes_a_measure_that_it_serves(path: Path) -> None:
    measures = read(PACK / "frameworks/anssi-hygiene.toml")["requirements"]
    served = {one["title"] for one in measures if path.stem in (*one["rules"], *one["questions"])}
    assert read(path)["source"]["quote"] in served


@pytest.mark.parametrize("path", of_document(GOOD_PRACTICE), ids=lambda path: path.stem)
def test_a_good_practice_names_its_number_and_is_no_failure_of_the_guide(path: Path) -> None:
    rule = read(path)
    assert re.match(r"(CIS|Microsoft|HardeningKitty|ANSSI-BP-028|NIST|IETF),? .*\d", rule["source"]["quote"])
    assert rule["level"] in {"minor", "info"}
    measures = read(PACK / "frameworks/anssi-hygiene.toml")["requirements"]
    assert all(path.stem not in measure["rules"] for measure in measures)


def test_the_dui_framework_has_its_forty_requirements_in_order() -> None:
    requirements = read(PACK / "frameworks/dui.toml")["requirements"]
    assert [one["id"] for one in requirements] == [f"P{number:02}" for number in range(1, 41)]
    assert len({one["title"] for one in requirements}) == 40


@pytest.mark.parametrize("required", ["P01", "P02", "P03", "P04", "P07", "P10", "P15", "P16", "P17", "P18", "P19"])
def test_the_countable_prerequisites_are_covered(required: str) -> None:
    (requirement,) = (one for one in read(PACK / "frameworks/dui.toml")["requirements"] if one["id"] == required)
    assert requirement["rules"]


def test_the_hygiene_framework_has_the_forty_two_measures_of_the_2017_edition() -> None:
    framework = read(PACK / "frameworks/anssi-hygiene.toml")
    titles = {one["id"]: one["title"] for one in framework["requirements"]}
    assert list(titles) == [str(number) for number in range(1, 43)]
    assert len(set(titles.values())) == 42
    # The edition of 2013 numbers other rules; the follow-up sheet words measure 21 otherwise than the guide.
    assert titles["17"] == "Activer et configurer le pare-feu local des postes de travail"
    assert titles["21"] == "Utiliser des protocoles réseaux sécurisés dès qu'ils existent"
    assert framework["attribution"] == "ANSSI, Guide d'hygiène informatique, v2.0, septembre 2017, Licence Ouverte"


def test_twenty_two_measures_have_the_higher_level_and_three_have_no_other() -> None:
    measures = read(PACK / "frameworks/anssi-hygiene.toml")["requirements"]
    higher = {one["id"] for one in measures if one.get("reinforced")}
    alone = {one["id"] for one in measures if one.get("reinforced") == one["rules"]}
    numbers = (2, 6, 7, 8, 12, 13, 14, 15, 17, 22, 24, 25, 27, 28, 30, 32, 33, 36, 37, 38, 41, 42)
    assert higher == set(map(str, numbers))
    assert alone == {"38", "41", "42"}


def test_a_rule_of_the_higher_level_says_so_and_weighs_little() -> None:
    measures = read(PACK / "frameworks/anssi-hygiene.toml")["requirements"]
    rules = {path.stem: read(path) for path in PACK.glob("rules/*/*.toml")}
    higher = {rule for one in measures for rule in one.get("reinforced", ()) if one["id"] != "38"}
    assert higher == {rule for rule, text in rules.items() if "niveau renforcé" in text["title"].lower()}
    assert {rules[rule]["level"] for rule in higher} <= {"minor", "info"}


@pytest.mark.skipif(not (SHARED / "facts").is_dir(), reason="the mapping is not beside the repository")
def test_the_cyber_framework_is_mapped_as_the_facts_say() -> None:
    """ReCyF: only which measures are near to which; ranges and whole objectives are spelt out in the pack."""
    text = (SHARED / "facts/anssi.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (?:N|P|\*\*F\*\*)[^\n]*\| ([^|\n]+) \|$", text, re.MULTILINE)
    assert len(rows) == 42
    listed = {number: set(re.findall(r"\b\d+(?:\.[A-C])?\.\d+\b", near)) for number, near in rows}
    near: dict[str, set[str]] = {number: set() for number in listed}
    for one in read(PACK / "correspondences/recyf.toml")["requirements"]:
        for measure in one["requirements"]:
            near[measure.removeprefix("anssi-hygiene/")].add(one["id"])
    assert all(listed[number] <= near[number] for number in listed)
    assert near["42"] == set()


@pytest.mark.skipif(not (SHARED / "facts").is_dir(), reason="the list of official titles is not beside the repository")
def test_the_titles_of_the_measures_are_the_official_ones() -> None:
    text = (SHARED / "facts/anssi.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| [IVX]+\b[^|]* \| ([^|]+?) \|", text, re.MULTILINE)
    official = {number: title.replace("**", "") for number, title in rows}
    measures = read(PACK / "frameworks/anssi-hygiene.toml")["requirements"]
    assert {one["id"]: one["title"] for one in measures} == official


@pytest.mark.skipif(not (SHARED / "facts").is_dir(), reason="the list of checks is not beside the repository")
def test_the_checks_that_rules_name_are_on_the_list_and_are_a_hundred_or_more() -> None:
    known = set(re.findall(r"\*\*(C-\d\d-\d\d)\b", (SHARED / "facts/anssi.md").read_text(encoding="utf-8")))
    heads = [path.read_text(encoding="utf-8").partition("\nid = ")[0] for path in PACK.glob("rules/*/*.toml")]
    named = set(re.findall(r"\bC-\d\d-\d\d\b", "\n".join(heads)))
    assert named <= known
    assert len(named) >= 100


# The checks that an audit of a workstation begins with.
FIRST = {
    "C-08-01", "C-08-02", "C-08-04", "C-10-01", "C-10-03", "C-10-06", "C-11-01", "C-12-01",
    "C-14-01", "C-14-02", "C-14-03", "C-14-08", "C-14-10", "C-14-11", "C-14-12", "C-15-01",
    "C-16-01", "C-17-01", "C-17-02", "C-18-01", "C-20-01", "C-21-01", "C-21-04", "C-21-08",
    "C-24-01", "C-24-02", "C-29-02", "C-31-01", "C-34-01", "C-34-02", "C-35-01", "C-36-04",
}  # fmt: skip


def test_no_check_of_the_first_list_is_without_a_rule() -> None:
    heads = [path.read_text(encoding="utf-8").partition("\nid = ")[0] for path in PACK.glob("rules/*/*.toml")]
    assert set(re.findall(r"\bC-\d\d-\d\d\b", "\n".join(heads))) >= FIRST


def test_every_rule_and_question_serves_a_framework() -> None:
    requirements = [one for path in PACK.glob("frameworks/*.toml") for one in read(path)["requirements"]]
    served = {identifier for one in requirements for identifier in (*one["rules"], *one["questions"])}
    assert {path.stem for path in RULED} == served


def test_every_article_is_asked_for_by_a_rule() -> None:
    asked = {need["item"] for path in PACK.glob("rules/*/*.toml") for need in read(path).get("need", [])}
    assert {path.stem for path in PACK.glob("catalogue/*.toml")} == asked


@pytest.mark.parametrize("path", sorted(PACK.glob("profiles/*.toml")), ids=lambda path: path.stem)
def test_a_profile_that_no_editor_confirmed_says_so(path: Path) -> None:
    profile = read(path)
    assert profile["confirmed"] is False
    assert "à confirmer avec l'éditeur" in profile["name"]
    assert "valeur de planification, à confirmer avec l'éditeur" in profile["source"]
    assert profile["professionals_per_device"] == 3
    assert profile["bits_per_second_per_user"] == 250_000 * 8
    assert [host["purpose"] for host in profile["hosts"]] == ["collector"]


# What a profile says of itself or of measuring, and what the questions to an editor do not cover.
OF_ITSELF = {
    "id",
    "confirmed",
    "measures_metered_lines",
    "line_bytes_per_day",
    "line_bytes_per_month",
    "librespeed_url",
}


@pytest.mark.parametrize(("message", "names"), [
    (Profile, "profile"), (ProfileHost, "host|one"), (RequiredProgram, "asked"), (AllowedSystem, "one"),
], ids=["profile", "host", "program", "system"])  # fmt: skip
def test_every_field_of_an_editors_profile_is_used_by_a_rule(shipped: Pack, message: type[Message], names: str) -> None:
    """A host's own fields are also read where services are told apart, by code."""
    expressions = "\n".join(
        f"{rule.applies}\n{rule.met}\n{rule.observed}\n{rule.expected}" for rule in shipped.rules.values()
    )
    read = set(re.findall(rf"\b(?:{names})\.(\w+)", expressions))
    by_code = {"purpose", "protocol"} if message is ProfileHost else set()
    assert {field.name for field in message.DESCRIPTOR.fields} - OF_ITSELF - by_code <= read


@pytest.mark.parametrize("path", sorted(PACK.glob("knowledge/*.toml")), ids=lambda path: path.stem)
def test_knowledge_names_its_source_and_its_day(path: Path) -> None:
    knowledge = read(path)
    assert knowledge["source"]
    assert type(knowledge["dated"]) is date


@pytest.mark.parametrize(("name", "rows"), [("lifecycle-windows", 61), ("lifecycle-linux", 24), ("lifecycle-macos", 8)])
def test_no_row_of_the_lifecycle_tables_was_lost(name: str, rows: int) -> None:
    assert len(read(PACK / f"knowledge/{name}.toml")["release"]) == rows


def test_no_reader_is_listed_twice() -> None:
    ids = [(row["vendor"], row["product"]) for row in read(PACK / "knowledge/readers.toml")["reader"]]
    assert len(set(ids)) == len(ids) == 66


@pytest.mark.parametrize("path", LIFECYCLES, ids=lambda path: path.stem)
def test_a_release_ends_or_is_vouched_for_until_a_day(path: Path) -> None:
    for row in read(path)["release"]:
        assert ("end_of_support" in row) != ("known_until" in row), row["name"]
        assert ("extended" in row) == ("extension" in row), row["name"]
        if "extended" in row:
            assert row["extended"] > row["end_of_support"], row["name"]


def test_no_windows_edition_is_in_two_rows_of_one_build() -> None:
    rows = read(PACK / "knowledge/lifecycle-windows.toml")["release"]
    for one, other in combinations(rows, 2):
        if (one["build"], one["product"]) == (other["build"], other["product"]):
            assert not editions_of(one) & editions_of(other), (one["name"], other["name"])


@pytest.mark.parametrize(("build", "product", "edition", "end"), [
    (26100, "workstation", "Professional", date(2026, 10, 13)),
    (26100, "workstation", "Enterprise", date(2027, 10, 12)),
    (26100, "workstation", "EnterpriseS", date(2029, 10, 9)),
    (26100, "workstation", "IoTEnterpriseS", date(2034, 10, 10)),
    (26100, "server", "ServerStandard", date(2034, 11, 14)),
    (26300, "workstation", "Core", date(2028, 10, 10)),
    (17763, "server", "ServerStandard", date(2029, 1, 9)),
    (17763, "server", "ServerStandardACor", date(2020, 11, 10)),
])  # fmt: skip
def test_a_shared_build_is_told_apart_by_product_and_edition(build: int, product: str, edition: str, end: date) -> None:
    (row,) = (
        row
        for row in read(PACK / "knowledge/lifecycle-windows.toml")["release"]
        if (row["build"], row["product"]) == (build, product)
        and any(fnmatchcase(edition, pattern) for pattern in row["editions"])
    )
    assert row["end_of_support"] == end


@pytest.mark.parametrize(("atr", "kind"), CARDS.items())
def test_a_card_is_named_after_its_atr_and_never_wrongly_a_cpx(shipped: Pack, atr: str, kind: str) -> None:
    card = card_of(bytes.fromhex(atr), shipped.knowledge)
    assert card.kind == kind
    assert card.is_cpx == kind.startswith("cps")
    assert card.HasField("is_cpx") == (kind != "cpx-probable")


def test_a_failed_case_tells_what_was_seen_and_what_was_wanted(shipped: Pack) -> None:
    failed = [(rule, case) for rule in shipped.rules.values() for case in rule.cases if case.verdict is Verdict.FAIL]
    judgements = [(rule.id, case.name, run_case(shipped, rule, case)) for rule, case in failed]
    assert len({rule for rule, _, _ in judgements}) == len(shipped.rules)
    assert [(rule, name) for rule, name, given in judgements if not (given.observed and given.expected)] == []


def test_silence_orders_nothing(shipped: Pack) -> None:
    for rule in shipped.rules.values():
        for case in rule.cases:
            if case.verdict is Verdict.UNKNOWN:
                assert all(need.certain == 0 for need in run_case(shipped, rule, case).needs.values()), (
                    rule.id,
                    case.name,
                )


def test_nothing_is_told_in_the_singular_and_the_plural_at_once(shipped: Pack) -> None:
    judgements = [(rule, run_case(shipped, rule, case)) for rule in shipped.rules.values() for case in rule.cases]
    told = [(rule.id, f"{given.observed} {given.expected} {rule.title} {rule.remedy}") for rule, given in judgements]
    assert [rule for rule, text in told if re.search(r"\w\((?:s|x|e|aux)\)", text)] == []
