"""Checking a rule pack: every expression compiled, every case run, also with less known, every requirement mapped."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from prerequis_rules.age import warnings
from prerequis_rules.cases import run_cases
from prerequis_rules.forget import broken_promises
from prerequis_rules.load import load_pack
from prerequis_rules.model import Framework
from prerequis_rules.schema import PackError


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a framework the pack covers."""

    requirements: int
    uncovered: tuple[str, ...]
    """Ids of the requirements that neither a rule nor a question covers."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found; the pack is good when there is no error."""

    rules: int
    cases: int
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    """What is not wrong yet: knowledge that grows old."""
    frameworks: dict[str, Coverage]

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def as_json(self) -> dict[str, object]:
        """Return the document that `rules check --json` prints."""
        return {
            "ok": self.ok,
            "rules": self.rules,
            "cases": self.cases,
            "errors": list(self.errors),
            "warnings": list(self.warnings),
            "frameworks": {
                identifier: {
                    "requirements": one.requirements,
                    "covered": one.requirements - len(one.uncovered),
                    "uncovered": list(one.uncovered),
                }
                for identifier, one in self.frameworks.items()
            },
        }


def check_pack(directory: Path | None = None, *, today: date | None = None) -> CheckReport:
    """Return what is right and wrong with the program's pack and what a directory lays over it; never raises for it.

    Knowledge is looked at as of today, or of another day.
    """
    try:
        pack = load_pack(directory)
    except PackError as error:
        return CheckReport(0, 0, tuple(map(str, error.problems)), (), {})
    return CheckReport(
        rules=len(pack.rules),
        cases=sum(len(rule.cases) for rule in pack.rules.values()),
        errors=run_cases(pack) + broken_promises(pack),
        warnings=tuple(warnings(pack.knowledge, today or datetime.now(UTC).date())),
        frameworks={identifier: _coverage(framework) for identifier, framework in pack.frameworks.items()},
    )


def _coverage(framework: Framework) -> Coverage:
    uncovered = tuple(one.id for one in framework.requirements if not one.covered)
    return Coverage(len(framework.requirements), uncovered)
