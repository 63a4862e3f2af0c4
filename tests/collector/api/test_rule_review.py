"""The rules in force, as people ask for them over the network."""

import grpc
from tests.collector.conftest import SITE, Identity, Installation, refusal

from prerequis.v1.rule_review_pb2 import ExplainRuleRequest, ListRulesRequest
from prerequis.v1.rule_review_pb2_grpc import RuleReviewServiceStub
from prerequis_collector.services.explain_rule import explain_rule
from prerequis_rules.pack import Pack


async def test_every_rule_has_its_family_and_what_maps_it(installation: Installation, pack: Pack) -> None:
    async with installation.channel(installation.operator("dsi")) as channel:
        answer = await RuleReviewServiceStub(channel).ListRules(ListRulesRequest())
    assert answer.pack_digest == pack.digest
    assert [one.id for one in answer.rules] == list(pack.rules)
    (line,) = (one for one in answer.rules if one.id == "session-locks")
    assert (line.family, line.scope) == ("access", "workstation")
    assert "anssi-hygiene" in {one.framework for one in line.requirements}
    assert all(one.title and one.framework_title for one in line.requirements)


async def test_a_rule_is_explained_with_the_parameters_of_the_site(installation: Installation, pack: Pack) -> None:
    async with installation.channel(installation.operator("technician")) as channel:
        answer = await RuleReviewServiceStub(channel).ExplainRule(
            ExplainRuleRequest(rule="enough-devices", finess=SITE)
        )
        code, said = await refusal(RuleReviewServiceStub(channel).ExplainRule(ExplainRuleRequest(rule="no-such-rule")))
        unknown, _ = await refusal(
            RuleReviewServiceStub(channel).ExplainRule(ExplainRuleRequest(rule="enough-devices", finess="330000035"))
        )
    variables = {one.name: one for one in answer.variables}
    assert variables["profile.professionals_per_device"].value == str(pack.default_profile.professionals_per_device)
    assert variables["site.professionals"].meaning == "le registre du site"
    assert answer.source_title == "Fédération APAJH, « Le DUI, objectifs et étapes », printemps 2023"
    assert answer.source_quote in {rule.source.quote for rule in pack.rules.values()}
    assert {one.verdict for one in answer.cases} >= {"PASS", "FAIL", "UNKNOWN"}
    assert (code, unknown) == (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.NOT_FOUND)
    assert said == "Aucune règle ne s'appelle « no-such-rule »."


async def test_a_machine_may_not_ask_for_the_rules(installation: Installation, agent: Identity) -> None:
    async with installation.channel(agent) as channel:
        code, _ = await refusal(RuleReviewServiceStub(channel).ListRules(ListRulesRequest()))
    assert code is grpc.StatusCode.PERMISSION_DENIED


def test_every_shipped_rule_can_be_explained(pack: Pack) -> None:
    for rule in pack.rules.values():
        explained = explain_rule(pack, rule.id, pack.default_profile)
        assert [one.verdict for one in explained.cases] == [case.verdict for case in rule.cases]
        assert all(one.meaning for one in explained.variables)
        assert explained.source_title
        assert not explained.source_title.endswith(".txt")
