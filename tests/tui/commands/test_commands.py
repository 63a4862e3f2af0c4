"""What every command promises to scripts."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from tests.tui.conftest import write_credential

from prerequis.trailers import TOLD

if TYPE_CHECKING:
    from tests.tui.conftest import Authority, Collector, Run

READ_COMMANDS = (
    ("sites",),
    ("site", "590000001"),
    ("needs",),
    ("questions", "590000001"),
    ("line", "590000001"),
    ("lines",),
    ("services", "590000001"),
)
WRITE_COMMANDS = (
    ("answer", "590000001", "mode-insi", "carte"),
    ("order", "add", "590000001", "smartcard-reader", "2", "--reference", "BC-1"),
)


@pytest.mark.parametrize("arguments", READ_COMMANDS)
async def test_every_read_command_prints_one_json_document_and_nothing_else(
    park: Collector, run: Run, arguments: tuple[str, ...]
) -> None:
    ended = await run(*arguments, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert isinstance(json.loads(ended.out), dict)


@pytest.mark.parametrize("arguments", READ_COMMANDS + WRITE_COMMANDS)
async def test_a_collector_that_is_away_is_said_in_one_sentence_with_code_3(
    collector: Collector, run: Run, arguments: tuple[str, ...]
) -> None:
    await collector.stop()
    ended = await run(*arguments)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"prerequis : le collecteur 127.0.0.1:{collector.port} ne répond pas.\n"


@pytest.mark.parametrize("arguments", READ_COMMANDS + WRITE_COMMANDS)
async def test_a_refusal_is_told_in_the_words_of_the_collector_with_code_4(
    park: Collector, run: Run, arguments: tuple[str, ...]
) -> None:
    park.kept.refusal = (grpc.StatusCode.PERMISSION_DENIED, "votre rôle ne permet pas cela.")
    ended = await run(*arguments)
    assert (ended.code, ended.out, ended.err) == (4, "", "prerequis : votre rôle ne permet pas cela.\n")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 2),
        (grpc.StatusCode.NOT_FOUND, 2),
        (grpc.StatusCode.UNAVAILABLE, 3),
        (grpc.StatusCode.INTERNAL, 3),
        (grpc.StatusCode.UNAUTHENTICATED, 4),
        (grpc.StatusCode.UNIMPLEMENTED, 4),
    ],
)
async def test_each_status_of_the_collector_has_its_exit_code(
    park: Collector, run: Run, status: grpc.StatusCode, code: int
) -> None:
    park.kept.refusal = (status, "détail")
    ended = await run("sites")
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.count("\n") == 1


async def test_what_the_collector_says_of_its_own_fault_is_not_repeated(park: Collector, run: Run) -> None:
    park.kept.refusal = (grpc.StatusCode.INTERNAL, "SELECT * FROM site")
    assert "SELECT" not in (await run("sites")).err


async def test_a_collector_that_cannot_serve_is_heard_in_its_own_words(park: Collector, run: Run) -> None:
    park.kept.refusal = (grpc.StatusCode.UNAVAILABLE, "Le collecteur ne peut rien enregistrer.", (TOLD,))
    ended = await run("sites")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == "prerequis : Le collecteur ne peut rien enregistrer.\n"


async def test_without_a_credential_the_command_says_which_file_it_wants(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREREQUIS_CREDENTIAL", raising=False)
    ended = await run("sites", credential=False)
    assert (ended.code, ended.out) == (2, "")
    assert "--credential FICHIER" in ended.err


async def test_the_credential_is_also_found_in_the_environment(
    park: Collector, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREREQUIS_CREDENTIAL", str(park.credential))
    assert (await run("sites", credential=False)).code == 0


async def test_a_credential_that_others_can_read_is_refused(collector: Collector, run: Run) -> None:
    collector.credential.chmod(0o644)
    ended = await run("sites")
    assert ended.code == 2
    assert f"chmod 600 {collector.credential}" in ended.err
    assert stat.S_IMODE(collector.credential.stat().st_mode) == 0o644


@pytest.mark.parametrize("text", ["", "collector = ", 'collector = "127.0.0.1:1"', "\0"])
async def test_a_credential_that_is_not_one_is_wrong_input(collector: Collector, run: Run, text: str) -> None:
    collector.credential.write_text(text)
    ended = await run("sites")
    assert (ended.code, ended.out) == (2, "")
    assert str(collector.credential) in ended.err


async def test_a_credential_with_an_unreadable_key_is_wrong_input(collector: Collector, run: Run) -> None:
    text = collector.credential.read_text()
    collector.credential.write_text(text.replace("PRIVATE KEY-----\n", "PRIVATE KEY-----\n!"))
    assert (await run("sites")).code in (2, 3)


async def test_a_collector_that_another_authority_signed_is_not_spoken_to(
    collector: Collector, run: Run, stranger: Authority
) -> None:
    text = collector.credential.read_text()
    first, rest = text.split('authority = """')
    collector.credential.write_text(f'{first}authority = """{stranger.certificate}"""' + rest.split('"""', 1)[1])
    ended = await run("sites")
    assert (ended.code, ended.out) == (3, "")
    assert "ne présente pas le certificat" in ended.err


async def test_an_operator_whom_another_authority_signed_is_kept_out(
    collector: Collector, run: Run, strange_credential: Path
) -> None:
    ended = await run("--credential", str(strange_credential), "sites")
    assert (ended.code, ended.out) == (3, "")
    assert "d'un autre collecteur" in ended.err


async def test_a_credential_that_has_ended_is_named_as_the_cause(
    collector: Collector, run: Run, authority: Authority
) -> None:
    write_credential(collector.credential, authority, authority.certificate, collector.port, days=-2)
    ended = await run("sites")
    assert (ended.code, ended.out) == (4, "")
    assert "l'accès « essai » a expiré le " in ended.err
    assert "operator renew" in ended.err


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), *((one[0], "--help") for one in READ_COMMANDS)])
async def test_help_and_version_need_no_credential(process: Run, arguments: tuple[str, ...]) -> None:
    ended = await process(*arguments)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out


async def test_a_process_keeps_data_and_diagnostics_apart(park: Collector, process: Run) -> None:
    fine = await process("sites", "--json")
    assert (fine.code, fine.err, json.loads(fine.out)["total"]) == (0, "", 5)
    wrong = await process("site", "999999999", "--json")
    assert (wrong.code, wrong.out, wrong.err) == (2, "", "prerequis : aucun site 999999999.\n")
    usage = await process("sites", "--jsno")
    assert (usage.code, usage.out) == (2, "")
    assert "argument inconnu : --jsno" in usage.err


async def test_a_process_whose_collector_is_away_says_one_sentence_and_nothing_else(
    collector: Collector, process: Run
) -> None:
    await collector.stop()
    ended = await process("sites", "--json")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"prerequis : le collecteur 127.0.0.1:{collector.port} ne répond pas.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("line", "590000001", "--days", "-4"),
        ("line", "590000001", "--days", "99999999999999"),
        ("waive", "590000001", "firewall-on", "--reason", "x", "--until", "9999-12-31"),
        ("waive", "590000001", "firewall-on", "--reason", "x", "--until", "31/12/2026"),
    ],
)
async def test_a_number_or_a_day_out_of_reach_is_wrong_usage(
    run: Run, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        await run(*arguments)
    assert ended.value.code == 2
    assert f"'{arguments[-1]}' n'est pas un" in capsys.readouterr().err


async def test_the_terminal_ui_is_not_opened_where_there_is_no_terminal(collector: Collector, process: Run) -> None:
    ended = await process()
    assert (ended.code, ended.out) == (2, "")
    assert "demande un terminal" in ended.err


async def test_without_a_command_the_terminal_ui_is_not_opened_on_a_wrong_credential(process: Run) -> None:
    ended = await process("--credential", "/nulle/part.toml")
    assert (ended.code, ended.out) == (2, "")
    assert "ne peut pas être lu" in ended.err
