"""Machines and sites, judged at both ends of what is not known."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.rules.strategies import messages

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.register_pb2 import Answer, Profile, Site
from prerequis.v1.report_pb2 import Workstation
from prerequis_rules.cases import run_case
from prerequis_rules.judge import judge_site, judge_workstation, lay_waivers
from prerequis_rules.messages import moment
from prerequis_rules.model import Case, Count, Judged, Judgement, Quantity, Rule, Verdict, Waiver
from prerequis_rules.pack import Pack

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
FINESS = "750000001"
GIGABYTE = 1_000_000_000


def machine(memory: int | None = None, readers: int | None = None) -> Facts:
    facts = Facts()
    if memory is not None:
        facts.machine.memory_bytes = memory
    if readers is not None:
        facts.smartcard.SetInParent()
        for _ in range(readers):
            facts.smartcard.readers.add()
    return facts


def judged(pack: Pack, facts: Facts, role: Workstation.Role.ValueType = Workstation.CARE) -> dict[str, Judgement]:
    return {judgement.rule: judgement for judgement in whole(pack, facts, role)}


def whole(pack: Pack, facts: Facts, role: Workstation.Role.ValueType = Workstation.CARE) -> Judged:
    return judge_workstation(
        pack, facts, workstation_id="pc", role=role, site=Site(finess=FINESS), profile=pack.default_profile, now=NOW
    )


def site_judged(
    pack: Pack, site: Site, machines: Mapping[str, Facts], answers: Mapping[str, Answer] | None = None
) -> dict[str, Judgement]:
    workstations = [whole(pack, facts) for facts in machines.values()]
    judgements = judge_site(
        pack,
        site=site,
        profile=pack.default_profile,
        answers=answers or {},
        workstations=workstations,
        facts=machines.values(),
        now=NOW,
    )
    return {judgement.rule: judgement for judgement in judgements}


def test_a_machine_is_judged_by_every_workstation_rule_in_the_order_of_the_ids(pack: Pack) -> None:
    assert list(judged(pack, Facts())) == ["memory-sufficient", "reader-present"]


def test_a_failing_machine_tells_what_was_seen_what_was_expected_and_what_to_buy(pack: Pack) -> None:
    judgement = judged(pack, machine(memory=4 * 2**30))["memory-sufficient"]
    assert (judgement.rule, judgement.subject, judgement.verdict) == ("memory-sufficient", "pc", Verdict.FAIL)
    assert (judgement.observed, judgement.expected) == ("4,0 Go", "au moins 7,5 Go")
    assert judgement.needs == {"memory": Quantity(1, 1)}


def test_what_was_not_looked_at_is_unknown_and_orders_nothing(pack: Pack) -> None:
    judgement = judged(pack, Facts())["memory-sufficient"]
    assert (judgement.verdict, judgement.observed) == (Verdict.UNKNOWN, "")
    assert judgement.needs == {"memory": Quantity(0, None)}


def test_the_title_stands_for_an_expectation_that_is_not_written(pack: Pack) -> None:
    assert judged(pack, machine(readers=0))["reader-present"].expected == "Le poste a un lecteur"


def test_a_role_that_is_not_known_leaves_a_rule_for_some_roles_unknown(pack: Pack) -> None:
    enough = machine(memory=8 * GIGABYTE)
    assert judged(pack, enough, Workstation.ROLE_UNSPECIFIED)["memory-sufficient"].verdict is Verdict.UNKNOWN
    assert judged(pack, enough, Workstation.OTHER)["memory-sufficient"].verdict is Verdict.NOT_APPLICABLE


def test_machines_that_nobody_has_seen_are_unknown(pack: Pack) -> None:
    site = Site(finess=FINESS, professionals=9, workstations=4)
    judgement = site_judged(pack, site, {"a": machine(8 * GIGABYTE), "b": machine(8 * GIGABYTE)})["enough-devices"]
    assert (judgement.subject, judgement.verdict) == (FINESS, Verdict.UNKNOWN)
    assert (judgement.observed, judgement.expected) == ("entre 2 poste(s) et 4 poste(s)", "3 poste(s)")
    assert judgement.needs == {"workstation": Quantity(0, 1)}


def test_a_site_that_has_enough_whatever_else_it_has_passes(pack: Pack) -> None:
    site = Site(finess=FINESS, professionals=6, workstations=50)
    judgement = site_judged(pack, site, {"a": machine(8 * GIGABYTE), "b": machine(8 * GIGABYTE)})["enough-devices"]
    assert (judgement.verdict, judgement.needs) == (Verdict.PASS, {})


def test_more_machines_than_the_register_counts_leave_none_unseen(pack: Pack) -> None:
    site = Site(finess=FINESS, professionals=9, workstations=1)
    judgements = site_judged(pack, site, {"a": machine(8 * GIGABYTE), "b": machine(1), "c": machine(2)})
    devices, failing = judgements["enough-devices"], judgements["no-failing-machine"]
    assert (devices.verdict, devices.needs) == (Verdict.FAIL, {"workstation": Quantity(2, 2)})
    assert (failing.observed, failing.needs) == ("2 poste(s) sur 3", {"workstation": Quantity(2, 2)})


def test_a_site_of_unknown_size_shows_what_was_seen_and_no_made_up_number(pack: Pack) -> None:
    site = Site(finess=FINESS, professionals=9)
    judgements = site_judged(pack, site, {"a": machine(1), "b": machine(8 * GIGABYTE)})
    devices, failing = judgements["enough-devices"], judgements["no-failing-machine"]
    assert (devices.verdict, devices.observed) == (Verdict.UNKNOWN, "1 poste(s) (postes vus seulement)")
    assert devices.needs == {"workstation": Quantity(0, 2)}
    assert (failing.verdict, failing.observed) == (Verdict.FAIL, "1 poste(s) sur 2 (postes vus seulement)")
    assert failing.needs == {"workstation": Quantity(1, None)}


def test_a_site_without_any_report_needs_nothing_for_sure(pack: Pack) -> None:
    devices = site_judged(pack, Site(finess=FINESS, professionals=9), {})["enough-devices"]
    assert (devices.verdict, devices.needs) == (Verdict.UNKNOWN, {"workstation": Quantity(0, 3)})


def test_an_answer_counts_until_it_is_too_old(pack: Pack) -> None:
    site = Site(finess=FINESS)

    def verdict(choice: str, answered_at: datetime) -> Verdict:
        answer = Answer(question="second-access", choice=choice, answered_at=moment(answered_at))
        return site_judged(pack, site, {}, {"second-access": answer})["second-access"].verdict

    a_year_ago = NOW.replace(year=2025)
    assert verdict("oui", a_year_ago) is Verdict.PASS
    assert verdict("oui", a_year_ago - timedelta(seconds=1)) is Verdict.UNKNOWN
    assert verdict("non", NOW) is Verdict.FAIL
    assert verdict("ne sait pas", NOW) is Verdict.UNKNOWN
    assert verdict("peut-être", NOW) is Verdict.UNKNOWN


def test_an_answer_without_a_date_does_not_count(pack: Pack) -> None:
    answer = Answer(question="second-access", choice="oui")
    given_answers = {"second-access": answer, "no-such-question": answer}
    assert site_judged(pack, Site(), {}, given_answers)["second-access"].verdict is Verdict.UNKNOWN


def test_a_waiver_is_laid_over_a_fail_until_it_expires(pack: Pack) -> None:
    judgements = [whole(pack, machine(memory=1, readers=1))]
    waivers = [
        Waiver(rule, "pc", "usage limité", "dsi", "direction", NOW + timedelta(seconds=1))
        for rule in ("memory-sufficient", "reader-present")
    ]
    (in_time,) = lay_waivers(judgements, waivers, NOW)
    laid = {one.rule: one for one in in_time}
    assert (laid["memory-sufficient"].verdict, laid["memory-sufficient"].waived) == (Verdict.FAIL, True)
    assert (laid["reader-present"].verdict, laid["reader-present"].waived) == (Verdict.PASS, False)
    (too_late,) = lay_waivers(judgements, waivers, NOW + timedelta(seconds=1))
    assert not any(one.waived for one in too_late)
    elsewhere = [Waiver("memory-sufficient", "other-pc", "", "", "", NOW + timedelta(days=1))]
    assert lay_waivers(judgements, elsewhere, NOW) == tuple(judgements)


@given(messages(Facts), st.sampled_from(list(Workstation.Role.values())))
@settings(max_examples=40, phases=[Phase.generate])
def test_any_facts_are_judged_by_the_shipped_pack(
    shipped: Pack, facts: Facts, role: Workstation.Role.ValueType
) -> None:
    site, profile = Site(finess=FINESS, professionals=30, workstations=2), shipped.default_profile
    judgements = judge_workstation(shipped, facts, workstation_id="pc", role=role, site=site, profile=profile, now=NOW)
    on_site = judge_site(
        shipped, site=site, profile=profile, answers={}, workstations=[judgements], facts=[facts], now=NOW
    )
    for judgement in (*judgements, *on_site):
        for quantity in judgement.needs.values():
            assert quantity.certain >= 0
            assert quantity.possible is None or quantity.certain <= quantity.possible
            assert judgement.verdict is Verdict.FAIL or quantity.certain == 0


@settings(max_examples=40)
@given(messages(Facts))
def test_a_field_that_gets_lost_never_turns_an_unknown_into_a_pass(pack: Pack, facts: Facts) -> None:
    """Both rules of the small pack only ask for more of something."""
    whole = judged(pack, facts)
    for lost, _ in facts.ListFields():
        less = Facts(**{field.name: value for field, value in facts.ListFields() if field.name != lost.name})
        for rule, judgement in judged(pack, less).items():
            assert judgement.verdict in (whole[rule].verdict, Verdict.UNKNOWN)


COUNTS = st.builds(Count, st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.booleans())


@given(COUNTS, st.integers(0, 200) | st.none())
def test_both_ends_hold_the_truth_between_them(pack: Pack, count: Count, professionals: int | None) -> None:
    site = Site(finess=FINESS, professionals=professionals)
    for rule in ("enough-devices", "no-failing-machine"):
        unsure = judged_with(pack, pack.rules[rule], site, count)
        for of_the_unknown_pass in range(0, count.unknown + 1, 7):
            truth = judged_with(
                pack,
                pack.rules[rule],
                site,
                Count(count.passed + of_the_unknown_pass, count.failed + count.unknown - of_the_unknown_pass),
            )
            assert unsure.verdict in (truth.verdict, Verdict.UNKNOWN)
            asked = truth.needs.get("workstation", Quantity(0, 0))
            held = unsure.needs.get("workstation", Quantity(0, 0))
            assert held.certain <= asked.certain
            assert held.possible is None or (asked.possible is not None and asked.possible <= held.possible)


def judged_with(pack: Pack, rule: Rule, site: Site, count: Count) -> Judgement:
    template = rule.cases[0]
    context = type(template.context)()
    context.site.CopyFrom(site)
    context.now.CopyFrom(moment(NOW))
    context.profile.CopyFrom(Profile())
    case = Case("made up", "", context, {"memory-sufficient": count}, Verdict.UNKNOWN, {})
    return run_case(pack, rule, case)


def test_texts_are_the_same_in_another_thread_than_the_one_that_judged(shipped: Pack) -> None:
    facts = machine(memory=4 * 2**30, readers=1)

    def told() -> list[tuple[str, str]]:
        return [(one.observed, one.expected) for one in judgements]

    with ThreadPoolExecutor(1) as judging, ThreadPoolExecutor(1) as telling:
        judgements = list(judging.submit(judged, shipped, facts).result().values())
        assert telling.submit(told).result() == judging.submit(told).result() == told()
