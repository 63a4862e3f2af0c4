"""`prerequis rules`: the rules in force, and why each says what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from prerequis.command_line import ExitCode
from prerequis_tui.commands import add_json, write_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from prerequis.v1 import rule_review_pb2
    from prerequis_tui.client import Client

HELP = "liste les règles, ou explique l'une d'elles : condition, source, exemples, exigences"

_LEVELS = ("blocking", "major", "minor", "info")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    listing = actions.add_parser("list", help="une ligne par règle")
    listing.add_argument("--family", metavar="FAMILLE", help="seulement cette famille (access, network…)")
    listing.add_argument("--level", choices=_LEVELS, help="seulement ce niveau")
    listing.add_argument("--framework", metavar="RÉFÉRENTIEL", help="seulement celles de ce référentiel (dui…)")
    listing.add_argument("--text", metavar="MOTS", help="seulement celles dont le nom ou le titre porte ces mots")
    show = actions.add_parser("show", help="ce que la règle demande, à qui, et d'où elle vient")
    explain = actions.add_parser("explain", help="la même, avec sa condition, ses variables et ses exemples")
    for one in (show, explain):
        one.add_argument("rule", metavar="RÈGLE", help="nom de la règle, ou un nom qu'elle a porté")
        one.add_argument("--site", metavar="FINESS", default="", help="avec les paramètres de ce site")
    for one in (listing, show, explain):
        add_json(one)


async def run(client: Client, options: argparse.Namespace, out: TextIO) -> int:
    """Write the rules asked for."""
    from prerequis_tui.printed import rules as page

    if options.action == "list":
        found = list(_chosen(await client.rules(), options))
        if options.json:
            write_json({"total": len(found), "rules": [_line(one) for one in found]}, out)
        else:
            page.print_rules(found, out)
        return ExitCode.DONE
    rule = await client.rule(options.rule, options.site)
    everything = options.action == "explain"
    if options.json:
        write_json(_document(rule, everything=everything), out)
    else:
        page.print_rule(rule, out, everything=everything)
    return ExitCode.DONE


def _chosen(
    rules: Iterable[rule_review_pb2.RuleLine], options: argparse.Namespace
) -> Iterable[rule_review_pb2.RuleLine]:
    words = (options.text or "").casefold().split()
    for rule in rules:
        said = f"{rule.id} {rule.title}".casefold()
        if (
            options.family in (None, rule.family)
            and options.level in (None, rule.level)
            and (options.framework is None or any(one.framework == options.framework for one in rule.requirements))
            and all(word in said for word in words)
        ):
            yield rule


def _line(rule: rule_review_pb2.RuleLine) -> dict[str, object]:
    return {
        "id": rule.id,
        "title": rule.title,
        "family": rule.family,
        "scope": rule.scope,
        "level": rule.level,
        "requirements": [{"framework": one.framework, "id": one.id, "title": one.title} for one in rule.requirements],
    }


def _document(rule: rule_review_pb2.ExplainRuleResponse, *, everything: bool) -> dict[str, object]:
    document = {
        **_line(rule.rule),
        "aliases": list(rule.aliases),
        "remedy": rule.remedy,
        "source": {"document": rule.source_document, "title": rule.source_title, "quote": rule.source_quote},
        "needs": [{"item": one.item, "name": one.name, "quantity": one.quantity} for one in rule.needs],
    }
    if everything:
        document["applies"] = rule.applies or None
        document["met"] = rule.met
        document["expected"] = rule.expected or None
        document["profile"] = rule.profile
        document["variables"] = [
            {"name": one.name, "meaning": one.meaning, "value": one.value or None} for one in rule.variables
        ]
        document["cases"] = [{"name": one.name, "verdict": one.verdict, "given": one.given} for one in rule.cases]
    return document
