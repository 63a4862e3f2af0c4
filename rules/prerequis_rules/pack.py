"""A rule pack in memory: what its files say, compiled."""

from collections.abc import Mapping
from dataclasses import dataclass

from prerequis.v1.register_pb2 import Profile
from prerequis_rules.expressions import Program
from prerequis_rules.knowledge import Knowledge
from prerequis_rules.model import Article, Framework, Question, Rule, Scope

DEFAULT_PROFILE = "generic-saas"
"""The profile of a site whose register names none."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The compiled expressions of one rule."""

    applies: Program[bool] | None
    met: Program[bool]
    observed: Program[str]
    expected: Program[str] | None
    quantities: Mapping[str, Program[int]]
    """By item of the catalogue."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything judgement needs; each mapping is by id and in the order of the ids."""

    rules: Mapping[str, Rule]
    programs: Mapping[str, Programs]
    questions: Mapping[str, Question]
    frameworks: Mapping[str, Framework]
    profiles: Mapping[str, Profile]
    catalogue: Mapping[str, Article]
    knowledge: Knowledge
    digest: str
    """SHA-256, in hexadecimal, over every file's path and content."""

    @property
    def default_profile(self) -> Profile:
        """The profile of a site whose register names none."""
        return self.profiles[DEFAULT_PROFILE]

    def profile(self, identifier: str) -> Profile:
        """Return a profile by id, the default one for an empty id; raises KeyError for an unknown one."""
        return self.profiles[identifier or DEFAULT_PROFILE]

    def of_scope(self, scope: Scope) -> tuple[Rule, ...]:
        """Return the rules of one scope, in the order of their ids."""
        return tuple(rule for rule in self.rules.values() if rule.scope is scope)
