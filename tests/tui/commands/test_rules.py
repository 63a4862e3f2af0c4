"""The rules, as their command prints them."""

import argparse
import io
import json
from dataclasses import dataclass
from typing import Any, cast

import pytest
from tests.shipped import shipped_pack

from prerequis.v1 import rule_review_pb2 as wire
from prerequis_collector.services.explain_rule import explain_rule, rule_list
from prerequis_rules.pack import Pack
from prerequis_tui.client import Client
from prerequis_tui.commands import rules


@dataclass(frozen=True)
class Answering:
    """What a collector answers, without the network, which the collector's own tests have."""

    pack: Pack

    async def rules(self) -> list[wire.RuleLine]:
        return list(rule_list(self.pack).rules)

    async def rule(self, rule: str, finess: str = "") -> wire.ExplainRuleResponse:
        return explain_rule(self.pack, rule, self.pack.default_profile)


@pytest.fixture(scope="module")
def client() -> Client:
    return cast("Client", Answering(shipped_pack()))


async def written(client: Client, *arguments: str) -> str:
    parser = argparse.ArgumentParser()
    rules.add_arguments(parser)
    out = io.StringIO()
    assert await rules.run(client, parser.parse_args(arguments), out) == 0
    return out.getvalue()


async def document(client: Client, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await written(client, *arguments, "--json"))
    return found


async def test_a_list_is_filtered_by_family_level_framework_and_words(client: Client) -> None:
    everything = (await document(client, "list"))["rules"]
    access = (await document(client, "list", "--family", "access"))["rules"]
    assert {one["family"] for one in access} == {"access"}
    blocking = (await document(client, "list", "--level", "blocking", "--framework", "dui"))["rules"]
    assert 0 < len(blocking) < len(everything)
    assert all(one["level"] == "blocking" for one in blocking)
    assert all("dui" in [each["framework"] for each in one["requirements"]] for one in blocking)
    (found,) = (await document(client, "list", "--text", "SESSION-LOCKS-SOON"))["rules"]
    assert found["id"] == "session-locks-soon"
    assert (await document(client, "list", "--text", "aucune de ces règles"))["total"] == 0


async def test_people_read_the_list_by_family(client: Client) -> None:
    page = await written(client, "list", "--family", "line")
    assert page.startswith("line\n  line-down  ")
    assert page.endswith("règles\nComprendre une règle : prerequis rules explain RÈGLE\n")


async def test_a_rule_is_explained_down_to_its_examples(client: Client) -> None:
    page = await written(client, "explain", "memory-sufficient")
    for part in ("Suivie quand", "Ce qu'elle lit", "Source", "Exigences servies", "Exemples", "✘ Non conforme"):
        assert part in page
    assert "profile.memory_bytes : le profil de l'éditeur = " in page
    told = await document(client, "explain", "memory-sufficient")
    assert {one["verdict"] for one in told["cases"]} >= {"PASS", "FAIL", "UNKNOWN"}
    assert told["source"]["quote"] in page.replace("\n  ", " ")


async def test_showing_a_rule_leaves_out_how_it_decides(client: Client) -> None:
    page = await written(client, "show", "memory-sufficient")
    assert "Suivie quand" not in page
    assert "À faire quand elle n'est pas suivie" in page
    assert "cases" not in await document(client, "show", "memory-sufficient")
