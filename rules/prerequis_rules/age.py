"""Which files of knowledge are too old to be relied on: what they say of a day after theirs, nobody looked at."""

from collections.abc import Iterator
from datetime import date, timedelta

from prerequis_rules.knowledge import Knowledge

OLDEST = timedelta(days=180)
"""Our own choice: publishers announce their dates half a year ahead or more."""


def warnings(knowledge: Knowledge, today: date) -> Iterator[str]:
    """Yield one French sentence for each file that is older than OLDEST on a day."""
    for one in knowledge.origins:
        if today - one.dated > OLDEST:
            yield (
                f"{one.file} date du {one.dated:%d/%m/%Y}, plus de {OLDEST.days} jours : mettre Prérequis à jour, "
                f"ou revoir ce fichier ({one.source})."
            )
