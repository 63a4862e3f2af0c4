"""What a rule reads, in words, for the people who ask why it says what it says."""

from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.message import Message

from prerequis.v1.register_pb2 import Profile
from prerequis_rules.model import Rule
from prerequis_rules.pack import Pack
from prerequis_rules.reads import WHOLE

_VARIABLES = {
    "facts": "ce que l'agent a vu du poste",
    "derived": "ce que les connaissances datées disent de ce que l'agent a vu",
    "workstation": "ce qui est déclaré du poste",
    "site": "le registre du site",
    "profile": "le profil de l'éditeur",
    "answers": "les réponses aux questions",
    "tally": "combien de postes du site suivent chaque règle de poste",
    "measures": "ce que les postes du site ont mesuré ensemble",
}


class Variable(NamedTuple):
    """One thing that a rule reads."""

    name: str
    meaning: str
    """In French."""
    value: str
    """Of a parameter of the profile; empty when it has none."""


def variables(pack: Pack, rule: Rule, profile: Profile) -> Iterator[Variable]:
    """Yield what the condition and the quantities of a rule read, in the order of the names."""
    for variable, field in sorted(pack.programs[rule.id].reads):
        name = variable if field == WHOLE else f"{variable}.{field}"
        meaning = _VARIABLES[variable]
        value = ""
        if variable == "answers" and field in pack.questions:
            name, meaning = f"answers['{field}']", f"la réponse à « {pack.questions[field].text} »"
        elif variable == "tally" and field in pack.rules:
            name, meaning = f"tally['{field}']", f"combien de postes suivent « {pack.rules[field].title} »"
        elif variable == "profile" and field != WHOLE:
            value = _value(profile, field)
        yield Variable(name, meaning, value)


def _value(message: Message, name: str) -> str:
    """Return a field's value as text; empty when it is not set."""
    for field, value in message.ListFields():
        if field.name == name:
            if field.enum_type is not None:
                return field.enum_type.values_by_number[value].name
            return (
                ", ".join(map(str, value))
                if field.is_repeated
                else f"{value:g}"
                if isinstance(value, float)
                else str(value)
            )
    return ""
