"""One identity on several machines: all are shown, none stands in for another or is judged until somebody decides."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.collector.conftest import SITE, Identity, Installation, refusal, report_of

from prerequis.command_line import ExitCode
from prerequis.v1.judgement_pb2 import Judgement
from prerequis.v1.report_pb2 import ConfirmRequest, Receipt, Report, SubmitRequest
from prerequis.v1.report_pb2_grpc import ReportServiceStub
from prerequis.v1.review_pb2 import GetSiteRequest, GetSiteResponse
from prerequis.v1.review_pb2_grpc import ReviewServiceStub
from prerequis_collector.services.origins import MOST_COPIES

READER_RULE = "reader-on-care-workstation"
FIRST, SECOND, THIRD = b"\xaa" * 8, b"\xbb" * 8, b"\xcc" * 8
NOW = datetime.now(UTC) - timedelta(days=1)

Capture = pytest.CaptureFixture[str]


def _report(machine: bytes, number: int, *, readers: int = 1, minutes: int = 0, name: str = "") -> Report:
    """Return what a machine with this identity reports, so many minutes after the first."""
    names = {FIRST: "PC-1", SECOND: "PC-2", THIRD: "PC-3"}
    report = report_of(name or names.get(machine, "PC"), readers=readers, at=NOW + timedelta(minutes=minutes))
    report.origin.machine, report.origin.number = machine, number
    return report


async def _submit(installation: Installation, agent: Identity, *reports: Report) -> list[Receipt]:
    async with installation.channel(agent) as channel:
        stub = ReportServiceStub(channel)
        return [(await stub.Submit(SubmitRequest(report=agent.sign(report)))).receipt for report in reports]


async def _site(installation: Installation, name: str) -> GetSiteResponse:
    async with installation.channel(installation.operator("dsi", name)) as channel:
        return await ReviewServiceStub(channel).GetSite(GetSiteRequest(finess=SITE))


def _readers(site: GetSiteResponse) -> dict[str, Judgement.Verdict.ValueType]:
    """Return what is said of the reader of each machine, by its name."""
    dui = next(framework for framework in site.frameworks if framework.id == "dui")
    return {one.subject_name: one.verdict for one in dui.verdicts if one.rule == READER_RULE}


def _listed(installation: Installation, capsys: Capture) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert installation.run("agent", "list", "--json") == 0
    return {row["machine"]: row for row in json.loads(capsys.readouterr().out)["agents"]}


async def _copied(installation: Installation, agent: Identity) -> None:
    """Let two machines hand in reports with the same identity: the first has a reader, the second none."""
    receipts = await _submit(installation, agent, _report(FIRST, 1), _report(SECOND, 2, readers=0, minutes=1))
    assert [receipt.state for receipt in receipts] == [Receipt.KEPT, Receipt.KEPT]


async def test_two_machines_with_one_identity_are_both_shown_and_neither_is_judged(
    installation: Installation, agent: Identity, capsys: Capture
) -> None:
    await _copied(installation, agent)
    site = await _site(installation, "dsi-1")
    assert {machine.workstation.hostname for machine in site.workstations} == {"PC-1", "PC-2"}
    assert [machine.quarantined for machine in site.workstations] == [True, True]
    assert all("Clone : plusieurs machines" in machine.warnings[0] for machine in site.workstations)
    verdicts = [one for framework in site.frameworks for one in framework.verdicts if one.scope == "workstation"]
    assert {one.verdict for one in verdicts} <= {Judgement.UNKNOWN, Judgement.NOT_APPLICABLE}
    assert _readers(site) == {"PC-1": Judgement.UNKNOWN, "PC-2": Judgement.UNKNOWN}
    reasons = {reason for one in verdicts if one.verdict == Judgement.UNKNOWN for reason in one.reasons}
    assert reasons == {"Plusieurs machines ont la même identité : aucune n'est jugée."}
    rows = _listed(installation, capsys)
    assert {machine: row["hostname"] for machine, row in rows.items()} == {FIRST.hex(): "PC-1", SECOND.hex(): "PC-2"}
    assert rows[SECOND.hex()]["copyOf"] == rows[FIRST.hex()]["id"] == agent.agent_id
    assert installation.run("agent", "list") == 0
    assert capsys.readouterr().out.count("clone, en quarantaine") == 2


async def test_in_quarantine_each_goes_on_reporting_for_itself(installation: Installation, agent: Identity) -> None:
    await _copied(installation, agent)
    again = _report(SECOND, 2, readers=0, minutes=1)
    later = [_report(FIRST, 2, minutes=2), _report(SECOND, 3, readers=0, minutes=3), again]
    states = [receipt.state for receipt in await _submit(installation, agent, *later)]
    assert states == [Receipt.KEPT, Receipt.KEPT, Receipt.ALREADY_KEPT]
    seen = {machine.workstation.hostname: machine for machine in (await _site(installation, "dsi-1")).workstations}
    assert {name: machine.collected_at.ToDatetime(UTC) for name, machine in seen.items()} == {
        "PC-1": NOW + timedelta(minutes=2),
        "PC-2": NOW + timedelta(minutes=3),
    }
    assert not any("arrière" in warning for machine in seen.values() for warning in machine.warnings)


async def test_each_confirms_its_own_report_only(installation: Installation, agent: Identity) -> None:
    await _copied(installation, agent)
    (receipt,) = await _submit(installation, agent, _report(SECOND, 3, readers=0, minutes=3))
    request = ConfirmRequest(digest=receipt.digest)
    request.collected_at.FromDatetime(datetime.now(UTC))
    stranger = await installation.enrol(installation.ticket(name="another"))
    async with installation.channel(stranger) as channel:
        code, told = await refusal(ReportServiceStub(channel).Confirm(request))
        assert (code.name, "remettre le rapport entier" in told) == ("NOT_FOUND", True)
    async with installation.channel(agent) as channel:
        assert (await ReportServiceStub(channel).Confirm(request)).receipt.state == Receipt.ALREADY_KEPT
    seen = {one.workstation.hostname: one.collected_at for one in (await _site(installation, "dsi-1")).workstations}
    assert seen["PC-1"].ToDatetime(UTC) == NOW
    assert seen["PC-2"] == request.collected_at


@pytest.mark.parametrize(
    ("kept", "name", "verdict"), [(FIRST, "PC-1", Judgement.PASS), (SECOND, "PC-2", Judgement.FAIL)]
)
async def test_the_identity_stays_with_the_machine_that_somebody_chose_and_the_other_must_enrol_again(
    installation: Installation,
    agent: Identity,
    capsys: Capture,
    kept: bytes,
    name: str,
    verdict: Judgement.Verdict.ValueType,
) -> None:
    await _copied(installation, agent)
    assert installation.run("agent", "keep", agent.agent_id, kept.hex()[:6]) == 0
    site = await _site(installation, "dsi-1")
    assert _readers(site) == {name: verdict}
    assert [(one.id, one.quarantined, list(one.warnings)) for one in site.workstations] == [(agent.agent_id, False, [])]
    first, second = await _submit(installation, agent, _report(FIRST, 5, minutes=5), _report(SECOND, 5, minutes=6))
    chosen, other = (first, second) if kept == FIRST else (second, first)
    assert chosen.state == Receipt.KEPT
    assert other.state == Receipt.REFUSED
    assert "l'enrôler avec un nouveau ticket" in other.reason
    rows = _listed(installation, capsys)
    assert rows[kept.hex()]["id"] == agent.agent_id
    assert sorted(row["revoked"] is True for row in rows.values()) == [False, True]
    capsys.readouterr()
    assert installation.run("audit", "list", "--json") == 0
    told = [(one["author"], one["action"]) for one in json.loads(capsys.readouterr().out)["entries"]]
    assert told[-3:-1] == [(f"agent:{agent.agent_id}", "agent.copied"), ("console", "agent.keep")]
    assert installation.run("audit", "verify") == 0


async def test_a_decision_can_be_taken_back(installation: Installation, agent: Identity) -> None:
    await _copied(installation, agent)
    for machine in (FIRST, SECOND, FIRST):
        assert installation.run("agent", "keep", agent.agent_id, machine.hex()) == 0
        other = SECOND if machine == FIRST else FIRST
        reports = _report(machine, 9, minutes=9), _report(other, 9, minutes=10)
        states = [receipt.state for receipt in await _submit(installation, agent, *reports)]
        assert states[0] in (Receipt.KEPT, Receipt.ALREADY_KEPT)
        assert states[1] == Receipt.REFUSED
    assert [one.workstation.hostname for one in (await _site(installation, "dsi-1")).workstations] == ["PC-1"]


async def test_somebody_may_count_them_as_two_workstations_until_a_third_comes(
    installation: Installation, agent: Identity
) -> None:
    await _copied(installation, agent)
    assert installation.run("agent", "separate", agent.agent_id) == 0
    assert _readers(await _site(installation, "dsi-1")) == {"PC-1": Judgement.PASS, "PC-2": Judgement.FAIL}
    await _submit(installation, agent, _report(SECOND, 3, minutes=4))
    assert _readers(await _site(installation, "dsi-2")) == {"PC-1": Judgement.PASS, "PC-2": Judgement.PASS}
    await _submit(installation, agent, _report(THIRD, 9, minutes=5))
    assert _readers(await _site(installation, "dsi-3")) == dict.fromkeys(("PC-1", "PC-2", "PC-3"), Judgement.UNKNOWN)


async def test_who_is_revoked_is_revoked_on_every_machine(installation: Installation, agent: Identity) -> None:
    await _copied(installation, agent)
    assert installation.run("agent", "revoke", agent.agent_id) == 0
    async with installation.channel(agent) as channel:
        for machine in (FIRST, SECOND):
            request = SubmitRequest(report=agent.sign(_report(machine, 7, minutes=7)))
            code, _ = await refusal(ReportServiceStub(channel).Submit(request))
            assert code.name == "UNAUTHENTICATED"
    assert not (await _site(installation, "dsi-1")).workstations


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("keep", "inconnu", "aa"), "Il n'y a pas de poste inconnu"),
        (("keep", "{id}", "ff"), "ne désigne pas une machine"),
        (("keep", "{id}", ""), "ne désigne pas une machine"),
        (("separate", "{id}"), "Une seule machine porte l'identité"),
        (("separate", "inconnu"), "Il n'y a pas de poste inconnu"),
    ],
)
async def test_a_decision_that_cannot_be_is_one_sentence_and_changes_nothing(
    installation: Installation, agent: Identity, capsys: Capture, arguments: tuple[str, ...], told: str
) -> None:
    await _submit(installation, agent, _report(FIRST, 1))
    before = _listed(installation, capsys)
    command = [word.format(id=agent.agent_id) for word in arguments]
    assert installation.run("agent", *command) == ExitCode.WRONG_INPUT
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert _listed(installation, capsys) == before


# Numbers and minutes of the reports after the first, which is the tenth and made at minute 60.
_IN_ORDER = {
    "one after the other": [(11, 70), (12, 80)],
    "one that comes late": [(12, 80), (11, 70)],
    "one that was dropped on the way": [(13, 80)],
    "a clock put back": [(11, 20), (12, 25)],
    "a clock put back between two that come in the other order": [(12, 70), (11, 75)],
}
_GONE_BACK = {
    "a backup put back": [(4, 1000)],
    "twins": [(11, 70), (11, 74)],
    "twins that were heard in the other order": [(11, 74), (11, 70)],
}


@pytest.mark.parametrize(
    ("course", "told"),
    [*((course, False) for course in _IN_ORDER.values()), *((course, True) for course in _GONE_BACK.values())],
    ids=[*_IN_ORDER, *_GONE_BACK],
)
async def test_a_machine_that_goes_back_to_an_earlier_state_is_told_and_still_judged(
    installation: Installation, agent: Identity, capsys: Capture, course: list[tuple[int, int]], told: bool
) -> None:
    reports = [_report(FIRST, number, minutes=minutes) for number, minutes in [(10, 60), *course]]
    receipts = await _submit(installation, agent, *reports, *reports)
    assert [receipt.state for receipt in receipts] == [
        *[Receipt.KEPT] * len(reports), *[Receipt.ALREADY_KEPT] * len(reports),
    ]  # fmt: skip
    site = await _site(installation, "dsi-1")
    (machine,) = site.workstations
    assert any("Revenu en arrière" in warning for warning in machine.warnings) is told
    assert _readers(site) == {"PC-1": Judgement.PASS}
    assert installation.run("agent", "list") == 0
    assert ("revenu en arrière" in capsys.readouterr().out) is told
    if told:
        assert installation.run("agent", "keep", agent.agent_id, FIRST.hex()) == 0
        assert not (await _site(installation, "dsi-2")).workstations[0].warnings


async def test_an_agent_that_says_nothing_of_its_machine_is_served_as_before(
    installation: Installation, agent: Identity
) -> None:
    silent = [report_of("PC-1", readers=1, at=NOW + timedelta(minutes=minutes)) for minutes in range(2)]
    told = [_report(FIRST, 1, minutes=5), report_of("PC-1", readers=1, at=NOW + timedelta(minutes=9))]
    receipts = await _submit(installation, agent, *silent, *told)
    assert {receipt.state for receipt in receipts} == {Receipt.KEPT}
    assert _readers(await _site(installation, "dsi-1")) == {"PC-1": Judgement.PASS}


async def test_who_has_a_key_fills_no_site_with_machines(installation: Installation, agent: Identity) -> None:
    machines = [bytes([number]) * 8 for number in range(1, MOST_COPIES + 3)]
    receipts = await _submit(installation, agent, *(_report(machine, 1) for machine in machines))
    assert [receipt.state for receipt in receipts] == [*[Receipt.KEPT] * (MOST_COPIES + 1), Receipt.REFUSED]
    assert len((await _site(installation, "dsi-1")).workstations) == MOST_COPIES + 1


async def test_a_machine_that_nothing_could_tell_is_refused(installation: Installation, agent: Identity) -> None:
    (receipt,) = await _submit(installation, agent, _report(b"x" * 33, 1))
    assert receipt.state == Receipt.REFUSED
    assert "de quelle machine" in receipt.reason
