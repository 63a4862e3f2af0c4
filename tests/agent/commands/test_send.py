"""`send`: reports that wait arrive once, whatever happens on the way."""

import shlex
import shutil
import subprocess
import time
from datetime import UTC, datetime

import grpc
import pytest
from tests.agent.commands.agent import COMMAND, Agent, one_sentence
from tests.agent.tiny_collector import TinyCollector

from prerequis.command_line import ExitCode
from prerequis_agent.delivery import pause_seconds


@pytest.mark.parametrize("command", ["send", "run"])
def test_without_enrolment_nothing_can_be_sent(agent: Agent, command: str) -> None:
    done = agent(command)
    assert done.returncode == ExitCode.WRONG_INPUT
    assert "enrol --ticket" in one_sentence(done)


def test_a_report_made_while_the_collector_is_away_arrives_once(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    away = enrolled("run", "--now", "--no-line")
    assert away.returncode == ExitCode.UNREACHABLE
    assert "Rapports gardés sur ce poste : 1." in one_sentence(away)
    assert len(enrolled.waiting) == 1
    assert enrolled("send").returncode == ExitCode.UNREACHABLE
    collector.start()
    assert enrolled("send").stdout == "Rapports remis : 1.\n"
    assert enrolled("send").stdout == "Rapports remis : 0.\n"
    assert len(collector.kept) == 1
    assert enrolled.waiting == []


def test_a_report_handed_in_late_still_says_when_it_was_made(enrolled: Agent, collector: TinyCollector) -> None:
    """peers.md §3 row 3: the last contact is not the last inventory."""
    collector.stop()
    before = datetime.now(UTC)
    enrolled("run", "--now", "--no-line")
    made = datetime.now(UTC)
    time.sleep(0.1)
    collector.start()
    enrolled("send")
    (report,) = collector.reports
    assert before <= report.collected_at.ToDatetime(UTC) <= made


def test_two_commands_that_send_at_once_do_not_trip_over_each_other(enrolled: Agent, collector: TinyCollector) -> None:
    collector.stop()
    for _ in range(3):
        enrolled("run", "--now", "--no-line")
    collector.start()
    sending = [
        subprocess.Popen(
            [*COMMAND, "--state", str(enrolled.state), "send"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[1] for process in sending]
    assert [process.returncode for process in sending] == [ExitCode.DONE] * 3, said
    assert len(collector.kept) == 3
    assert enrolled.waiting == []


def test_a_report_without_a_receipt_waits_and_is_not_kept_twice(enrolled: Agent, collector: TinyCollector) -> None:
    collector.answers_at_most = 0
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.UNREACHABLE
    assert "n'a pas accusé réception" in done.stderr
    assert len(enrolled.waiting) == len(collector.kept) == 1
    collector.answers_at_most = 10
    assert enrolled("send").stdout == "Rapports remis : 1.\n"
    assert len(collector.kept) == 1


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (grpc.StatusCode.INTERNAL, ExitCode.UNREACHABLE),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ExitCode.UNREACHABLE),
        (grpc.StatusCode.PERMISSION_DENIED, ExitCode.REFUSED),
    ],
)
def test_a_failure_of_the_collector_loses_no_report(
    enrolled: Agent, collector: TinyCollector, failure: grpc.StatusCode, code: ExitCode
) -> None:
    collector.failure = failure
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == code
    one_sentence(done)
    assert len(enrolled.waiting) == 1


def test_a_collector_that_can_keep_nothing_is_heard_in_its_own_words(enrolled: Agent, collector: TinyCollector) -> None:
    collector.failure, collector.told = grpc.StatusCode.UNAVAILABLE, True
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.UNREACHABLE
    said = one_sentence(done)
    assert "Panne d'essai. Si cela dure, prévenir l'administrateur" in said
    assert "injoignable" not in said
    assert len(enrolled.waiting) == 1


def test_a_collector_that_is_busy_is_asked_again_after_the_time_that_it_says(
    enrolled: Agent, collector: TinyCollector
) -> None:
    collector.busy = [300, 0]
    began = time.monotonic()
    assert enrolled("run", "--now", "--no-line").returncode == ExitCode.DONE
    assert time.monotonic() - began >= 0.3
    assert collector.busy == []
    assert enrolled.waiting == []


def test_nobody_waits_before_a_screen_for_a_collector_that_wants_an_hour(
    enrolled: Agent, collector: TinyCollector
) -> None:
    collector.busy = [3_600_000, 0]
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.UNREACHABLE
    assert "est débordé" in one_sentence(done)
    assert collector.busy == [0]
    assert len(enrolled.waiting) == 1


def test_those_sent_away_together_do_not_come_back_together() -> None:
    drawn = [pause_seconds(attempt=2, asked=5.0) for _ in range(2000)]
    assert 5.0 <= min(drawn) < 5.1
    assert 8.9 < max(drawn) <= 9.0
    assert 6.8 < sum(drawn) / len(drawn) < 7.2


def test_a_refused_report_is_set_aside_with_the_reason(enrolled: Agent, collector: TinyCollector) -> None:
    collector.refusal = "Horloge du poste fausse."
    done = enrolled("run", "--now", "--no-line")
    assert done.returncode == ExitCode.REFUSED
    assert "Horloge du poste fausse." in done.stderr
    assert enrolled.waiting == []
    assert enrolled.status()["refused"] == 1
    (reason,) = (enrolled.state / "spool" / "refused").glob("*.txt")
    assert reason.read_text() == "Horloge du poste fausse.\n"


def test_a_full_disk_is_one_sentence_and_the_earlier_report_is_sent_later(
    enrolled: Agent, collector: TinyCollector
) -> None:
    collector.stop()
    assert enrolled("run", "--now", "--no-line").returncode == ExitCode.UNREACHABLE
    shutil.rmtree(enrolled.state / "spool" / "refused", ignore_errors=True)
    command = [*COMMAND, "--state", str(enrolled.state), "run", "--now", "--no-line"]
    limited = subprocess.run(
        ["bash", "-c", f"ulimit -f 0; trap '' XFSZ; exec {shlex.join(command)}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    collector.start()
    assert limited.returncode == ExitCode.WRONG_INPUT
    assert "ne peut pas être gardé" in one_sentence(limited)
    assert len(enrolled.waiting) == 1
    assert enrolled("send").stdout == "Rapports remis : 1.\n"
