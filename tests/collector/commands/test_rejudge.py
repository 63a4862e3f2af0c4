"""What a change of rules changes, apart from what the machines changed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.collector.conftest import SITE, Identity, Installation, report_of

from prerequis.v1.report_pb2 import SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis_collector.store.site_summaries import SiteSummaries

Capture = pytest.CaptureFixture[str]

RULE = "smartcard-reader-connected"
OWN = """
id = "smartcard-reader-connected"
overrides = true
{more}
title = "Deux lecteurs"
scope = "workstation"
level = "info"
met = "facts.smartcard.readers.size() > 1"
observed = "string(facts.smartcard.readers.size()) + ' lecteur(s)'"
remedy = "Ajouter un lecteur."
source = {{ document = "local", quote = "deux lecteurs" }}
[[cases]]
name = "two"
facts = {{ smartcard = {{ readers = [{{}}, {{}}] }} }}
verdict = "pass"
[[cases]]
name = "one"
facts = {{ smartcard = {{ readers = [{{}}] }} }}
verdict = "fail"
[[cases]]
name = "nobody looked"
facts = {{}}
verdict = "unknown"
"""


@pytest.fixture
async def seen(installation: Installation, agent: Identity) -> Installation:
    """A site with a machine that had no reader, then one."""
    now = datetime.now(UTC).replace(microsecond=0)
    async with installation.channel(agent) as channel:
        for readers in (0, 1):
            report = report_of(readers=readers, at=now - timedelta(hours=2 - readers))
            await ReportServiceStub(channel).Submit(SubmitRequest(report=agent.sign(report)))
    return installation


@pytest.fixture
def two_readers(tmp_path: Path) -> Path:
    (tmp_path / "own" / "rules").mkdir(parents=True)
    (tmp_path / "own" / "rules" / f"{RULE}.toml").write_text(OWN.format(more=""))
    return tmp_path / "own"


def rejudged(installation: Installation, capsys: Capture, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    at = "2026-11-22T09:30"
    assert installation.run("rejudge", "--json", "--at", at, *arguments) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def changes(document: dict[str, Any], cause: str) -> list[tuple[str, str, str, int]]:
    return [
        (one["rule"], one["before"], one["after"], one["count"])
        for one in document["changes"]
        if one["cause"] == cause and one["finess"] == SITE
    ]


async def test_what_a_machine_changed_is_told_apart_from_what_the_rules_changed(
    seen: Installation, capsys: Capture, two_readers: Path
) -> None:
    in_force = rejudged(seen, capsys, "--dry-run", "--processes", "1")
    assert (RULE, "FAIL", "PASS", 1) in changes(in_force, "machine")
    assert changes(in_force, "rule") == []
    tried = rejudged(seen, capsys, "--dry-run", "--processes", "1", "--pack", str(two_readers))
    assert changes(tried, "rule") == [(RULE, "PASS", "FAIL", 1)]
    assert RULE not in [rule for rule, *_ in changes(tried, "machine")]
    assert (tried["sites"], tried["reports"]) == (1, 2)
    assert tried["digest"] != in_force["digest"]
    assert tried["pack"] != in_force["pack"]


async def test_the_digest_of_all_verdicts_does_not_depend_on_the_processes(
    seen: Installation, capsys: Capture, two_readers: Path
) -> None:
    for number in range(3):
        assert seen.run("site", "add", f"33000003{number}", "--name", "Autre") == 0
    one, two = (
        rejudged(seen, capsys, "--dry-run", "--pack", str(two_readers), "--processes", many) for many in ("1", "2")
    )
    assert one == two
    assert (one["sites"], len(one["digest"])) == (4, 64)


async def test_summaries_are_rebuilt_unless_it_is_a_trial(
    seen: Installation, capsys: Capture, two_readers: Path
) -> None:
    def digests() -> list[str]:
        with seen.collector.database.read() as transaction:
            return [row.pack_digest for row in SiteSummaries(transaction).all().values()]

    rejudged(seen, capsys, "--dry-run", "--processes", "1")
    assert digests() == []
    document = rejudged(seen, capsys, "--processes", "1", "--pack", str(two_readers))
    assert digests() == [document["pack"]]


async def test_a_renamed_rule_is_the_same_rule(seen: Installation, capsys: Capture, tmp_path: Path) -> None:
    rules = tmp_path / "own" / "rules"
    rules.mkdir(parents=True)
    # In this pack the organisation's rule took the place of one of its own that had another name.
    (rules / "two-readers.toml").write_text(
        OWN.format(more='aliases = ["readers-two"]')
        .replace("overrides = true\n", "")
        .replace(f'"{RULE}"', '"two-readers"')
    )
    (seen.data / "own" / "rules").mkdir(parents=True)
    (seen.data / "own" / "rules" / "readers-two.toml").write_text(
        OWN.format(more="").replace("overrides = true\n", "").replace(f'"{RULE}"', '"readers-two"')
    )
    with (seen.data / "collector.toml").open("a") as file:
        file.write('\nrules = "own"\n')
    tried = rejudged(seen, capsys, "--dry-run", "--processes", "1", "--pack", str(tmp_path / "own"))
    assert changes(tried, "rule") == []
    assert seen.run("rejudge", "--dry-run", "--pack", str(tmp_path / "nowhere")) == 2
    assert "ce n'est pas un dossier" in capsys.readouterr().err


async def test_people_read_causes_rules_and_sites(seen: Installation, capsys: Capture, two_readers: Path) -> None:
    capsys.readouterr()
    assert seen.run("rejudge", "--dry-run", "--processes", "1", "--pack", str(two_readers)) == 0
    told = capsys.readouterr().out
    assert f"  {RULE} : conforme → non conforme : 1 (1 site)\n" in told
    assert f"  site {SITE} : 1\n" in told
    assert "À cause des règles : 1\n" in told
