"""`advise`: for the technician, without a collector."""

import json
import re

from tests.agent.commands.agent import Agent
from tests.agent.tiny_collector import TinyCollector

from prerequis.command_line import ExitCode


def test_advice_gives_every_verdict_with_its_remedy(agent: Agent) -> None:
    done = agent("advise", "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    document = json.loads(done.stdout)
    assert document["light"] in {"RED", "AMBER", "GREEN"}
    assert "enrol --ticket" in document["remaining"][0]
    verdicts = document["verdicts"]
    for verdict in verdicts:
        assert set(verdict) == {"rule", "level", "verdict", "observed", "expected", "remedy"}
        assert verdict["verdict"] in {"PASS", "FAIL", "UNKNOWN", "NOT_APPLICABLE"}


def test_advice_works_without_a_collector_and_writes_a_page(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    path = enrolled.state.parent / "page.html"
    done = enrolled("advise", "--html", str(path))
    collector.start()
    assert done.returncode == ExitCode.DONE, done.stderr
    assert re.match(r"(ROUGE|ORANGE|VERT) : ", done.stdout)
    assert "À faire avant de quitter le site" in done.stdout
    assert "Site d&#x27;essai" in path.read_text()


def test_a_page_that_cannot_be_written_does_not_keep_the_advice_back(agent: Agent) -> None:
    done = agent("advise", "--html", "/nowhere/page.html")
    assert (done.returncode, len(done.stderr.splitlines())) == (ExitCode.WRONG_INPUT, 1)
    assert "ne peut pas être écrite" in done.stderr
    assert "À corriger : " in done.stdout
