"""What the command loads before it needs it."""

import json
import subprocess
import sys

import pytest

REPORT = """
import json, sys
from prerequis_tui.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
sys.stderr.write(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_neither_grpc_nor_textual(argument: str) -> None:
    ended = subprocess.run([sys.executable, "-c", REPORT, argument], capture_output=True, text=True, check=True)
    loaded = set(json.loads(ended.stderr))
    assert "prerequis_tui.commands.sites" in loaded
    assert not loaded & {"grpc", "google.protobuf", "textual", "rich", "xlsxwriter", "asyncio"}
