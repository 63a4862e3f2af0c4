"""What each command really loads: the static graph cannot see an import made late."""

import subprocess
import sys

import pytest

HEAVY = {"textual", "rich", "sqlmodel", "sqlalchemy", "alembic", "sqlite3", "scapy", "xlsxwriter"}
LOADED = "import sys, importlib; importlib.import_module(sys.argv[1]); print('\\n'.join(sys.modules))"


def modules_loaded_by(module: str) -> set[str]:
    """Return the top-level names of every module in memory once `module` is imported."""
    done = subprocess.run([sys.executable, "-c", LOADED, module], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("prerequis_agent.__main__", HEAVY | {"grpc", "smartcard", "cel_expr_python", "prerequis_rules"}),
        ("prerequis_agent.runner", HEAVY | {"grpc", "smartcard", "cel_expr_python", "prerequis_rules", "cryptography"}),
        ("prerequis_agent.advice", HEAVY | {"grpc", "smartcard"}),
        ("prerequis_collector.__main__", {"textual", "rich", "psutil", "smartcard", "scapy", "prerequis_agent"}),
        ("prerequis_rules.load", HEAVY | {"grpc", "psutil", "smartcard"}),
        ("prerequis_tui.__main__", HEAVY | {"grpc", "prerequis_rules", "cel_expr_python", "psutil"}),
        ("prerequis_tui.app", {"prerequis_rules", "sqlmodel", "sqlalchemy", "cel_expr_python", "psutil"}),
    ],
)
def test_a_room_does_not_load_what_it_must_do_without(module: str, forbidden: set[str]) -> None:
    assert modules_loaded_by(module) & forbidden == set()
