"""What the sources leave open, as it stands at a site, and what a programme asks of it."""

from collections.abc import Sequence

from prerequis.v1 import review_pb2
from prerequis_tui import wording
from prerequis_tui.widgets.line_list import Column, Heading, LineList, Spans
from prerequis_tui.wording import Tone

Parameter = review_pb2.SiteParameter
Goal = review_pb2.LotGoal
Setting = Parameter | Goal


def _name(one: Setting) -> Spans:
    return [(one.name if isinstance(one, Parameter) else "usage", Tone.STRONG)]


def _value(one: Setting) -> Spans:
    if isinstance(one, Goal):
        return [(wanted(one), Tone.PLAIN)]
    return [(one.value, Tone.PLAIN)] if one.value else [(wording.NOT_KNOWN, Tone.UNKNOWN)]


def _meaning(one: Setting) -> Spans:
    return [(one.meaning if isinstance(one, Parameter) else one.title, Tone.MUTED)]


def _settled(one: Setting) -> Spans:
    if not isinstance(one, Parameter):
        return [("", Tone.PLAIN)]
    if not one.HasField("settled_at"):
        return [("profil" if one.value else "", Tone.MUTED)]
    return [(f"{one.author}, le {wording.date(one.settled_at)}", Tone.WARNING)]


_COLUMNS: Sequence[Column[Setting]] = (
    Column("Paramètre", _name, 12),
    Column("Valeur", _value, 24),
    Column("Sens", _meaning),
    Column("Réglé par", _settled, 24, from_width=96),
)


class SettingList(LineList[Setting]):
    """One line for each parameter, then one for each usage that the site's lot must reach."""

    def __init__(self, *, id: str) -> None:
        super().__init__(_COLUMNS, _key, "Le profil du site ne laisse rien ouvert.", id=id)
        self.lot = review_pb2.LotGoals()
        """Of the goals listed."""

    def fill(self, site: review_pb2.GetSiteResponse) -> None:
        """List the parameters of the site and the goals of its lot."""
        self.lot = site.lot
        rows: list[Setting | Heading] = list(site.parameters)
        if site.HasField("lot"):
            rows += [Heading("")] if rows else []
            rows += [Heading(site.lot.title), Heading(wording.lot_days(site.lot), Tone.MUTED), *site.lot.goals]
        self.show(rows)


def wanted(goal: Goal) -> str:
    """Return "80 % : 64 dossiers", or the share alone where nobody counted the active ones."""
    records = f" : {wording.count(goal.records, 'dossier')}" if goal.HasField("records") else ""
    return f"{goal.percent} %{records}"


def _key(one: Setting) -> str:
    return one.name if isinstance(one, Parameter) else f"usage {one.title}"
