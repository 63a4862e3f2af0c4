"""The advice as one page for the director: no script and nothing fetched, so that it opens and prints anywhere."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from prerequis_agent.advice import Advice, Light

LIGHTS = {
    Light.RED: ("✗", "Rouge", "ce poste n'est pas prêt : un point bloquant est à corriger."),
    Light.AMBER: ("!", "Orange", "ce poste demande une correction ou une vérification."),
    Light.GREEN: ("✓", "Vert", "rien de bloquant n'a été vu sur ce poste."),
}
"""The sign, the word and the sentence of each light; the colour never speaks alone."""

LEVELS = {"blocking": "bloquant", "major": "majeur", "minor": "mineur", "info": "information"}

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1b1b1f; --soft: #55555e; --line: #d5d5dc;
  --red: #a3131f; --amber: #8a4b00; --green: #136b34; }
@media (prefers-color-scheme: dark) { :root { --page: #17171b; --text: #f0f0f4; --soft: #b4b4be; --line: #3c3c46;
  --red: #ff9a9f; --amber: #ffbe70; --green: #86d9a3; } }
body { margin: 0 auto; max-width: 46rem; padding: 2rem 1.25rem; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, "Segoe UI", sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; } h2 { margin: 2.25rem 0 .5rem; font-size: 1.2rem; }
h3 { margin: 0; font-size: 1rem; } p { margin: .25rem 0; }
.soft { color: var(--soft); }
.light { display: flex; gap: 1rem; align-items: center; margin: 1.5rem 0; padding: 1rem 1.25rem;
  border: 2px solid currentColor; border-radius: .5rem; font-size: 1.1rem; }
.light b { font-size: 2rem; line-height: 1; } .RED { color: var(--red); } .AMBER { color: var(--amber); }
.GREEN { color: var(--green); } .light span { color: var(--text); }
ul, ol { margin: 0; padding: 0 0 0 1.25rem; } li { margin: .3rem 0; }
.points { list-style: none; padding: 0; }
.points li { margin: 0; padding: .75rem 0; border-top: 1px solid var(--line); break-inside: avoid; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .75rem; margin: .25rem 0 0; }
dt { color: var(--soft); } dd { margin: 0; }
@media print { body { padding: 0; max-width: none; } }
"""


def page(
    hostname: str, site: str, seen_at: datetime, light: Light, advice: Sequence[Advice], to_do: Sequence[str]
) -> str:
    """Return the page; `seen_at` is the local time of the scan, `site` is empty when it is not known."""
    sign, word, sentence = LIGHTS[light]
    place = f" – {escape(site)}" if site else ""
    failed = [one for one in advice if one.verdict == "FAIL"]
    unknown = [one for one in advice if one.verdict == "UNKNOWN"]
    met = [one for one in advice if one.verdict == "PASS"]
    return f"""<!DOCTYPE html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{word} : poste {escape(hostname)}{place}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Poste {escape(hostname)}</h1>
<p class="soft">{escape(site) + " · " if site else ""}observé le {seen_at:%d/%m/%Y à %H:%M}</p>
<p class="light {light.value}"><b aria-hidden="true">{sign}</b><span><strong>{word}</strong> : {sentence}</span></p>
{_section("À corriger", failed, "Rien à corriger.")}
<h2>À faire avant de quitter le site</h2>
{_list("ol", to_do) if to_do else "<p>Rien de plus, à la connaissance de ce poste.</p>"}
{_section("Non vérifié", unknown, "Tout ce qui concerne ce poste a été vérifié.")}
<h2>Conforme</h2>
{_list("ul", [one.title for one in met]) if met else "<p>Aucun point pour l'instant.</p>"}
</main>
<footer><p class="soft">Établi sur le poste même par prerequis-agent, avec les seuils par défaut ; ceux du site,
ses autres postes et son questionnaire sont jugés par le collecteur.</p></footer>
</body>
</html>
"""


def _section(title: str, points: Sequence[Advice], otherwise: str) -> str:
    if not points:
        return f"<h2>{title}</h2>\n<p>{otherwise}</p>"
    items = "\n".join(_point(one) for one in points)
    return f'<h2>{title} ({len(points)})</h2>\n<ul class="points">\n{items}\n</ul>'


def _point(one: Advice) -> str:
    told = {"Vu": one.observed, "Attendu": one.expected, "À faire": one.remedy if one.verdict == "FAIL" else ""}
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in told.items() if value)
    level = f'<p class="soft">{LEVELS[one.level].capitalize()}</p>'
    return f"<li><h3>{escape(one.title)}</h3>{level}{f'<dl>{rows}</dl>' if rows else ''}</li>"


def _list(kind: str, sentences: Iterable[str]) -> str:
    return f"<{kind}>\n" + "\n".join(f"<li>{escape(one)}</li>" for one in sentences) + f"\n</{kind}>"
