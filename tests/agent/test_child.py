"""A process apart: all that it says is heard, and it ends with the agent."""

import os
import subprocess
import sys

import pytest
from tests.agent.endless import ends, hang_in_native_code

from prerequis_agent import child
from prerequis_agent.host import Host

PATIENCE_SECONDS = 60


def two_words(send: child.Send) -> None:
    send(b"un")
    send(b"x" * 200_000)


@pytest.mark.parametrize("forking", [False] if sys.platform == "win32" else [True, False])
def test_a_child_says_all_it_has_to_say_however_it_was_made(forking: bool) -> None:
    process = child.start(two_words, forking)
    assert [process.receive(PATIENCE_SECONDS), process.receive(PATIENCE_SECONDS)] == [b"un", b"x" * 200_000]
    with pytest.raises(EOFError):
        process.receive(PATIENCE_SECONDS)
    assert process.end() == "code 0"


def hang_where_it_says(send: child.Send) -> None:
    send(str(os.getpid()).encode())
    hang_in_native_code(Host())


@pytest.mark.skipif(sys.platform != "linux", reason="asked of the kernel of Linux; windows/test_child.py has the job")
@pytest.mark.parametrize("forking", [True, False])
def test_a_child_does_not_outlive_an_agent_that_is_killed(forking: bool) -> None:
    program = f"""
from tests.agent.test_child import PATIENCE_SECONDS, child, hang_where_it_says
process = child.start(hang_where_it_says, forking={forking})
print(process.receive(PATIENCE_SECONDS).decode(), flush=True)
process.receive(PATIENCE_SECONDS)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as agent:
        assert agent.stdout
        pid = int(agent.stdout.readline())
        agent.kill()
    assert ends(pid)
