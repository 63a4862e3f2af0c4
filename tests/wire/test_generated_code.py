"""The committed code and what it asks of its runtimes."""

import re
import tomllib
from pathlib import Path

from google.protobuf import json_format

from prerequis.v1.facts_pb2 import Facts, Machine, Smartcard
from prerequis.v1.report_pb2 import ProbeRun, Report

ROOT = Path(__file__).resolve().parents[2]


def test_the_floors_of_the_dependencies_are_those_of_the_generated_code() -> None:
    generated = ROOT / "proto/prerequis/v1"
    protobuf = re.search(r"Protobuf Python Version: ([\d.]+)", (generated / "facts_pb2.py").read_text())
    grpc = re.search(r"GRPC_GENERATED_VERSION = '(\d+\.\d+)", (generated / "report_pb2_grpc.py").read_text())
    assert protobuf is not None
    assert grpc is not None
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert any(one.startswith(f"protobuf>={protobuf[1]}") for one in wanted)
    assert any(one.startswith(f"grpcio>={grpc[1]}") for one in wanted)


def test_an_unset_scalar_is_told_from_zero() -> None:
    kept = Machine.FromString(Machine(cores=0).SerializeToString())
    assert kept.HasField("cores")
    assert not kept.HasField("threads")


def test_a_present_empty_message_says_that_there_is_nothing() -> None:
    kept = Facts.FromString(Facts(smartcard=Smartcard()).SerializeToString())
    assert kept.HasField("smartcard")
    assert not kept.HasField("firewall")


def test_the_json_of_a_report_has_the_words_that_scripts_read() -> None:
    report = Report(probes=[ProbeRun(name="machine", outcome=ProbeRun.FOUND, wall_seconds=0.5, cpu_seconds=0.25)])
    assert json_format.MessageToDict(report)["probes"] == [
        {"name": "machine", "outcome": "FOUND", "wallSeconds": 0.5, "cpuSeconds": 0.25}
    ]


def test_every_scalar_of_the_facts_knows_whether_it_is_set() -> None:
    pending, seen = [Facts.DESCRIPTOR], set()
    while pending:
        message = pending.pop()
        seen.add(message.full_name)
        for field in message.fields:
            assert field.is_repeated or field.has_presence, f"{message.full_name}.{field.name}"
            child = field.message_type
            if child is not None and child.full_name not in seen and child.full_name.startswith("prerequis."):
                pending.append(child)
    assert "prerequis.v1.Reader" in seen
