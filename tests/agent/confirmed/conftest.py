"""One real scan of this machine, whose every value the tests of this folder ask another program about."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import json_format

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.report_pb2 import Report

if sys.platform != "linux":  # whose programs and files are the witnesses
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """What the agent's installed command sees of this machine now."""
    command = [str(Path(sys.executable).parent / "prerequis-agent"), "--state", str(tmp_path_factory.mktemp("state"))]
    scan = [*command, "scan", "--json", "--no-line"]
    done = subprocess.run(scan, capture_output=True, text=True, check=True, timeout=60)
    return json_format.Parse(done.stdout, Report()).facts
