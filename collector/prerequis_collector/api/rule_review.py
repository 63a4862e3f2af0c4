"""RuleReviewService: the rules in force, for the people who ask why."""

import asyncio
from typing import Any

from grpc import aio

from prerequis.v1 import rule_review_pb2 as wire
from prerequis.v1.rule_review_pb2_grpc import RuleReviewServiceServicer
from prerequis_collector.collector import Collector
from prerequis_collector.services.explain_rule import explain_rule, rule_list
from prerequis_collector.services.plan import profile_of
from prerequis_collector.services.register import require_site


class RuleReview(RuleReviewServiceServicer):
    """Answers operators."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def ListRules(
        self, request: wire.ListRulesRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ListRulesResponse:
        """Return every rule in one line."""
        return rule_list(self._collector.pack)

    async def ExplainRule(
        self, request: wire.ExplainRuleRequest, context: aio.ServicerContext[Any, Any]
    ) -> wire.ExplainRuleResponse:
        """Return one rule in full, with the parameters of the site named or of the default profile."""
        pack, profile = self._collector.pack, self._collector.pack.default_profile
        if request.finess:
            site = await self._collector.read(lambda transaction: require_site(transaction, request.finess))
            profile = profile_of(pack, site)
        return await asyncio.to_thread(explain_rule, pack, request.rule, profile)
