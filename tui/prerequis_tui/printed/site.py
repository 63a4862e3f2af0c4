"""A site's scorecard, as printed: what blocks first, what is not known apart from what fails."""

from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from prerequis.v1 import judgement_pb2, ordering_pb2, review_pb2
from prerequis_tui import order, printed, score_bar, scorecard, wording
from prerequis_tui.printed.needs import needs_table
from prerequis_tui.scorecard import Finding
from prerequis_tui.wording import Tone

_SUBJECTS = 6


def print_site(
    site: review_pb2.GetSiteResponse, needs: ordering_pb2.ListNeedsResponse | None, out: TextIO, *, everything: bool
) -> None:
    """Write the scorecard; `needs` is None when the operator may not see them, `everything` details what passes."""
    with printed.page(out) as console:
        _print_head(console, site)
        for warning in site.warnings:
            console.print(printed.styled(f"Attention : {warning}", Tone.WARNING))
        for machine in site.workstations:
            for warning in machine.warnings:
                name = machine.workstation.hostname or machine.id
                console.print(printed.styled(f"Attention : poste {name}. {warning}", Tone.WARNING))
        if not site.frameworks:
            console.print("\nRien n'a encore été jugé : lancer « prerequis-agent run » sur un poste du site.")
        for framework in scorecard.in_order(site.frameworks):
            _print_framework(console, framework, everything=everything)
        _print_parameters(console, site)
        _print_lot(console, site)
        if needs is not None:
            _print_needs(console, site, needs)
        finess = site.site.finess
        hint = f"Tout le détail : prerequis site {finess} --all   Questions : prerequis questions {finess}"
        console.print()
        console.print(printed.styled(hint, Tone.MUTED))


def _print_head(console: Console, site: review_pb2.GetSiteResponse) -> None:
    about = site.site
    console.print()
    console.print(Text.assemble((about.name or "Site sans nom", "bold"), f"   FINESS {about.finess}"))
    seen = max((one.received_at.seconds for one in site.workstations), default=0)
    last = next((one.received_at for one in site.workstations if one.received_at.seconds == seen), None)
    known = wording.count(len(site.workstations), "poste vu", "postes vus")
    facts = (
        f"{known} sur {about.workstations}" if about.HasField("workstations") else known,
        f"dernier rapport le {wording.clock(last)}" if last else "aucun rapport",
        wording.count(about.professionals, "professionnel") if about.HasField("professionals") else "",
        f"prêt pour le {wording.day(about.deadline)}" if about.HasField("deadline") else "",
    )
    console.print(printed.styled(" · ".join(fact for fact in facts if fact), Tone.MUTED))


def _print_framework(console: Console, framework: judgement_pb2.FrameworkResult, *, everything: bool) -> None:
    card = scorecard.arrange(framework)
    word = wording.READINESS[framework.readiness]
    console.print()
    console.rule(Text(f" {framework.title or framework.id} ", "bold"), characters="─", align="left", style="dim")
    why = scorecard.reasons(card)
    console.print(Text.assemble(printed.styled(f"{word.symbol} {word.text.upper()}", word.tone), f"  {why}"))
    console.print(_score(framework.score))
    _print_findings(console, "Ce qui bloque", card.blocking, named=everything)
    _print_findings(console, "Inconnu et bloquant : à lever avant de conclure", card.unknown_blocking, named=everything)
    _print_findings(console, "Autres écarts", card.failed, named=everything)
    _print_findings(console, "Dérogations (l'écart demeure)", card.waived, named=everything)
    if everything:
        _print_findings(console, "Autres points inconnus", card.unknown, named=True)
        _print_findings(console, "Conforme", card.passed, named=True)
        _print_findings(console, "Sans objet", card.not_applicable, named=True)
    else:
        _print_titles(console, "Autres points inconnus", card.unknown)
        _print_titles(console, "Conforme", card.passed)
        _print_titles(console, "Sans objet", card.not_applicable)
    if framework.attribution:
        console.print()
        console.print(printed.styled(f"Source : {framework.attribution}", Tone.MUTED))
    if card.not_covered:
        _print_heading(console, f"Exigences que Prérequis ne vérifie pas ({len(card.not_covered)})")
        for requirement in card.not_covered:
            _print_item(console, "–", Tone.MUTED, Text(f"{requirement.id}  {requirement.title}"))


def _score(score: judgement_pb2.Score) -> Text:
    drawn = Text.assemble(*(printed.styled(part, tone) for part, tone in score_bar.parts(score, 30)))
    return Text.assemble("Score ", drawn, f" {wording.score(score)}")


def _print_heading(console: Console, title: str) -> None:
    console.print()
    console.print(printed.styled(title, Tone.STRONG))


def _print_item(console: Console, symbol: str, tone: Tone, text: Text) -> None:
    """Write a text behind its symbol, its other lines hanging under the first."""
    lines = text.wrap(console, console.width - 4)
    for number, line in enumerate(lines):
        line.rstrip()
        console.print(Text.assemble("  ", printed.styled(symbol if number == 0 else " ", tone), " ", line))


def _print_findings(console: Console, title: str, findings: Sequence[Finding], *, named: bool) -> None:
    """Write the findings of one part; `named` with the ids of their rules, by which other commands ask for them."""
    if not findings:
        return
    _print_heading(console, f"{title} ({len(findings)})")
    for finding in findings:
        _print_finding(console, finding, named=named)


def _print_finding(console: Console, finding: Finding, *, named: bool) -> None:
    word, first = finding.word, finding.first
    # The heading of its part already says that it blocks.
    level = "" if first.level == "blocking" else f"  {finding.level}"
    title = Text.assemble(first.title or first.rule, printed.styled(level, Tone.MUTED))
    _print_item(console, word.symbol, word.tone, title)
    for label, text in _details(finding):
        console.print(Padding(_labelled(console, label, text), (0, 0, 0, 6)))
    if named:
        console.print(Padding(_labelled(console, "règle", first.rule), (0, 0, 0, 6)))


def _details(finding: Finding) -> Iterable[tuple[str, str]]:
    first = finding.first
    if finding.subjects:
        yield "postes", wording.some(finding.subjects, _SUBJECTS)
    if first.observed or first.verdict != judgement_pb2.Judgement.NOT_APPLICABLE:
        yield "constaté", first.observed or wording.NOT_KNOWN
    for number, reason in enumerate(finding.reasons):
        yield "" if number else "pourquoi", reason
    if first.expected:
        yield "attendu", first.expected
    label, text = finding.remedy
    if text:
        yield label, text


def _labelled(console: Console, label: str, text: str) -> Text:
    lines = Text(text).wrap(console, console.width - 6 - 11)
    shown = Text()
    for number, line in enumerate(lines):
        line.rstrip()
        shown.append("\n" if number else "").append(f"{label if number == 0 else '':<11}", "dim").append_text(line)
    return shown


def _print_titles(console: Console, title: str, findings: Sequence[Finding]) -> None:
    if not findings:
        return
    _print_heading(console, f"{title} ({len(findings)})")
    for finding in findings:
        many = printed.styled(f"  {wording.count(len(finding.subjects), 'poste')}", Tone.MUTED)
        text = Text.assemble(finding.first.title or finding.first.rule, many if finding.subjects else "")
        _print_item(console, finding.word.symbol, finding.word.tone, text)


def _print_parameters(console: Console, site: review_pb2.GetSiteResponse) -> None:
    """Write what the sources leave open: a figure that nobody sees is one that nobody corrects."""
    if not site.parameters:
        return
    console.print()
    console.rule(Text(" Paramètres ", "bold"), characters="─", align="left", style="dim")
    for one in site.parameters:
        console.print(Text(f"{one.name:<12} {one.value or wording.NOT_KNOWN}   ").append(one.meaning, "dim"))
        if one.HasField("settled_at"):
            because = f"réglé par {one.author} le {wording.date(one.settled_at)} : {one.reason}"
            console.print(Padding(Text(because, "dim"), (0, 0, 0, 13)))


def _print_lot(console: Console, site: review_pb2.GetSiteResponse) -> None:
    if not site.HasField("lot"):
        return
    lot = site.lot
    console.print()
    console.rule(Text(f" {lot.title} ", "bold"), characters="─", align="left", style="dim")
    console.print(wording.lot_days(lot))
    for goal in lot.goals:
        records = f" : {wording.count(goal.records, 'dossier')}" if goal.HasField("records") else ""
        console.print(f"  {goal.percent} % de la file active{records}   {goal.title}")
    console.print(printed.styled(f"Source : {lot.source}", Tone.MUTED))


def _print_needs(console: Console, site: review_pb2.GetSiteResponse, needs: ordering_pb2.ListNeedsResponse) -> None:
    console.print()
    console.rule(Text(" Besoins ", "bold"), characters="─", align="left", style="dim")
    if site.site.finess in needs.sites_not_measured:
        console.print("Aucune mesure encore : les besoins ne sont pas nuls, ils ne sont pas connus.")
    elif not needs.lines:
        console.print("Rien à commander d'après ce qui est connu.")
    if needs.lines:
        table = needs_table(needs.lines, console)
        lines = map(table.line, order.to_buy_first(needs.lines))
        console.print(Text("\n").join([table.heading(), *lines]), soft_wrap=True)
