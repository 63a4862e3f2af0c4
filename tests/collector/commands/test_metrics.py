"""What a serving collector says of itself to Prometheus, and how its log reads to a program."""

import json
import socket
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from tests.collector.commands.process import channel, enrolled, run, served
from tests.collector.conftest import SITE, report_of

from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub

ALERTS = Path(__file__).parents[3] / "deploy" / "monitoring" / "alerts.yml"
Samples = dict[str, list[tuple[dict[str, str], float]]]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def _scraped(port: int) -> tuple[str, Samples]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return text, samples


async def test_calls_are_counted_by_how_they_end_and_nobody_is_named(data: Path) -> None:
    port = _free_port()
    with served(data, "--metrics-listen", f"127.0.0.1:{port}", "--log-format", "json") as where:
        agent, authority = await enrolled(data, where)
        async with channel(where, agent, authority) as calls:
            stub = ReportServiceStub(calls)
            for _ in range(2):
                await stub.Submit(
                    SubmitRequest(report=agent.sign(report_of("PC-SECRET", at=datetime(2026, 9, 1, tzinfo=UTC))))
                )
            await stub.Submit(SubmitRequest(report=agent.sign(b"\xff")))
        text, samples = _scraped(port)
    submit = {"method": "/prerequis.v1.ReportService/Submit", "code": "OK"}
    assert (submit, 3.0) in samples["prerequis_calls_total"]
    reports = {labels["state"]: value for labels, value in samples["prerequis_reports_total"]}
    assert reports == {"kept": 1.0, "already_kept": 1.0, "refused": 1.0}
    assert {labels["port"] for labels, _ in samples["prerequis_calls_in_progress"]} == {"main", "enrolment"}
    assert min(value for _, value in samples["prerequis_certificate_expires_seconds"]) > datetime.now(UTC).timestamp()
    for secret in (agent.agent_id, SITE, "PC-SECRET", "Tilleuls"):
        assert secret not in text
    told = [json.loads(line) for line in (data / "log").read_text().splitlines() if line.startswith("{")]
    assert any("refused" in line["message"] and agent.agent_id in line["message"] for line in told)
    expressions = [line.split("expr:")[1] for line in ALERTS.read_text().splitlines() if "expr:" in line]
    assert len(expressions) >= 5
    for expression in expressions:
        assert any(name in expression for name in samples), expression


def test_a_port_that_is_taken_is_said_in_a_sentence(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(data, "serve", "--listen", "127.0.0.1:0", "--metrics-listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert ended.returncode == 2
    assert "adresse déjà utilisée" in ended.stderr
