"""Shows one finding whole: what was seen, what was expected, who asks for it, what to do, and when."""

from prerequis_tui.credential import Credential
from prerequis_tui.scorecard import Finding
from prerequis_tui.screens.sheet import SheetScreen
from prerequis_tui.widgets.finding import parts


class VerdictScreen(SheetScreen):
    """One finding, with its source."""

    HELP = "Ce qui a été constaté, ce qui était attendu, le texte qui le demande et ce qu'il faut faire."

    def __init__(self, credential: Credential, site: str, finding: Finding) -> None:
        super().__init__(credential, site, finding.first.title or finding.first.rule, parts(finding))
