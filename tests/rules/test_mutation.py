"""The rules' own cases notice nearly every small fault of a condition."""

import pytest
from tests.rules.mutation import mutants, mutated

from prerequis_rules.pack import Pack


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a.b >= 3", {"a.b > 3", "a.b < 3", "a.b >= 4", "a.b >= 2", "!(a.b >= 3)"}),
        ("a && b || c", {"a || b || c", "a && b && c", "b || c", "a || c", "a && b", "c", "!(a && b || c)"}),
        ("!a.exists(x, x == 'y')", {
            "a.exists(x, x == 'y')", "!a.all(x, x == 'y')", "!a.exists(x, x != 'y')", "!a.exists(x, x == 'y~')",
            "!(!a.exists(x, x == 'y'))",
        }),
        ("f(a && b, c ? d || e : true)", {
            "f(a || b, c ? d || e : true)", "f(a, c ? d || e : true)", "f(b, c ? d || e : true)",
            "f(a && b, c ? d && e : true)", "f(a && b, c ? d : true)", "f(a && b, c ? e : true)",
            "f(a && b, c ? d || e : false)", "!(f(a && b, c ? d || e : true))",
        }),
        ("now < duration('744h')", {
            "now <= duration('744h')", "now >= duration('744h')", "now < duration('745h')", "now < duration('743h')",
            "!(now < duration('744h'))",
        }),
        ("'a && b' in x", {"'a && b~' in x", "!('a && b' in x)"}),
    ],
)  # fmt: skip
def test_faults_are_of_every_kind(condition: str, expected: set[str]) -> None:
    assert {"".join(one.split()) for one in mutants(condition)} == {"".join(one.split()) for one in expected}


def test_the_cases_of_the_shipped_rules_notice_nearly_every_fault(shipped: Pack) -> None:
    results = [mutated(shipped, rule) for rule in shipped.rules.values()]
    many, left = sum(one.mutants for one in results), sum(len(one.survivors) for one in results)
    assert many > 3000
    assert left <= 0.01 * many, "\n".join(f"{one.rule}: {fault}" for one in results for fault in one.survivors)
