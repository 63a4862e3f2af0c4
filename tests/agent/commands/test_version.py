"""The command itself: its version, its help, wrong usage, and a state that is damaged."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.agent.commands.agent import Agent, one_sentence

from prerequis.command_line import ExitCode


def test_the_installed_command_tells_its_version() -> None:
    program = str(Path(sys.executable).parent / "prerequis-agent")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("prerequis-agent 0.")


def test_the_version_loads_nothing_heavy() -> None:
    program = """
import sys
from prerequis_agent.__main__ import parser
parser()
heavy = {"grpc", "google.protobuf", "cryptography", "psutil", "asyncio", "prerequis_rules", "ssl"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_help_is_french_and_names_every_command(agent: Agent) -> None:
    done = agent("--help")
    assert done.returncode == ExitCode.DONE
    assert "usage : prerequis-agent" in done.stdout
    for command in ("enrol", "scan", "send", "run", "advise", "status"):
        assert command in done.stdout


@pytest.mark.parametrize("arguments", [[], ["dance"], ["scan", "--nothing"], ["scan", "--only", "none"], ["enrol"]])
def test_wrong_usage_is_exit_code_2_on_stderr(agent: Agent, arguments: list[str]) -> None:
    done = agent(*arguments)
    assert done.returncode == ExitCode.WRONG_INPUT
    assert done.stdout == ""
    assert "Voir : prerequis-agent" in done.stderr


@pytest.mark.parametrize("command", ["scan", "send", "run", "status", "advise"])
def test_a_state_that_cannot_be_read_is_one_sentence(agent: Agent, command: str) -> None:
    agent.state = Path("/" + "x" * 300)
    done = agent(command)
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "ne se lit pas" in one_sentence(done)


def test_a_lost_authority_is_one_sentence(enrolled: Agent) -> None:
    enrolled("run", "--now", "--no-line")
    (enrolled.state / "authority.pem").unlink()
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "enrol --ticket" in one_sentence(done)


def test_a_damaged_identity_is_one_sentence(enrolled: Agent) -> None:
    (enrolled.state / "identity.pem").write_text("nonsense")
    done = enrolled("send")
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "abîmée" in one_sentence(done)
