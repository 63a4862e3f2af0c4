"""An agent, a collector, and the one enrolled with the other."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.commands.agent import Agent
from tests.agent.conftest import Authority
from tests.agent.tiny_collector import TinyCollector

if sys.platform == "win32":  # pseudo-terminals and signals of POSIX; windows/test_command.py runs the command there
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path / "state")


@pytest.fixture
def collector(authority: Authority) -> Iterator[TinyCollector]:
    started = TinyCollector(authority)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def enrolled(agent: Agent, collector: TinyCollector, tmp_path: Path) -> Agent:
    agent.enrol(collector, tmp_path, "--role", "care")
    return agent
