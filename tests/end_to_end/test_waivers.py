"""Two people accept a deviation from their own command lines, and the audit trail tells it."""

import json
import re

from tests.end_to_end.installation import FINESS, Installation

from prerequis.command_line import ExitCode


def test_a_deviation_is_proposed_by_one_person_and_approved_by_another(installation: Installation) -> None:
    second = str(installation.folder / "second.toml")
    installation.prepare("operator", "create", "autre", "--role", "dsi", "--out", second)
    installation.enrol()
    assert installation.agent("run", "--now", "--no-line").returncode == ExitCode.DONE
    failed = next(
        one
        for framework in installation.review("site", FINESS)["frameworks"]
        for one in framework["verdicts"]
        if one["verdict"] == "FAIL" and one["scope"] == "workstation"
    )
    ask = ("waive", FINESS, failed["rule"], "--until")
    assert installation.run("prerequis", *ask, "hier", "--reason", "Essai.").returncode == ExitCode.WRONG_INPUT
    assert installation.run("prerequis", *ask, "2020-01-01", "--reason", "Essai.").returncode == ExitCode.WRONG_INPUT
    day = json.loads(installation.collector("status", "--json").stdout)["newestReport"][:10]
    proposed = installation.run("prerequis", *ask, day, "--reason", "Remplacé cette semaine.")
    assert proposed.returncode == ExitCode.DONE, proposed.stderr
    (waiver,) = re.findall(r"Dérogation proposée : (\w+)\.", proposed.stdout)
    approve = ("waivers", FINESS, "--approve", waiver)
    own = installation.run("prerequis", *approve)
    assert own.returncode == ExitCode.REFUSED
    assert "une autre personne" in own.stderr
    approved = installation.run("prerequis", "--credential", second, *approve)
    assert approved.returncode == ExitCode.DONE, approved.stderr
    (listed,) = installation.review("waivers")["waivers"]
    assert (listed["state"], listed["until"], listed["author"], listed["approver"]) == (
        "IN_FORCE", day, "essai", "autre",
    )  # fmt: skip
    judged = [
        one
        for framework in installation.review("site", FINESS)["frameworks"]
        for one in framework["verdicts"]
        if one["rule"] == failed["rule"]
    ]
    assert {(one["verdict"], one["waived"]) for one in judged} == {("FAIL", True)}
    trail = installation.collector("audit", "list", "--json")
    actions = [(one["author"], one["action"]) for one in json.loads(trail.stdout)["entries"]]
    assert actions[-2:] == [("operator:essai", "waiver.propose"), ("operator:autre", "waiver.approve")]
    assert installation.collector("audit", "verify").returncode == ExitCode.DONE
