"""The collector's certificate moves under another root, after every machine has learned it."""

import hashlib
import json
import ssl
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from tests.collector.commands.signer import Signer
from tests.collector.conftest import SITE, Identity, Installation, refusal

from prerequis.command_line import ExitCode
from prerequis.v1.measurement_pb2 import GetPlanRequest
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis_collector.services.authority import AGENT_LIFE
from prerequis_collector.store.agents import Agents

Capture = pytest.CaptureFixture[str]
Command = Callable[..., tuple[int, str]]


@pytest.fixture
def certificate(installation: Installation, capsys: Capture) -> Command:
    """Return what runs `certificate …` and gives its code and all that it wrote."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = installation.run("certificate", *arguments)
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def root(tmp_path: Path) -> Signer:
    """The root to come; its certificate is in root.pem."""
    signer = Signer.root()
    (tmp_path / "root.pem").write_bytes(signer.pem())
    return signer


def _der(pem: bytes) -> list[bytes]:
    return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(pem)]


async def _ask(installation: Installation, agent: Identity, known: Sequence[bytes]) -> list[bytes]:
    """Return what the collector gives a machine that knows it by these authorities."""
    request = GetPlanRequest(trusts=hashlib.sha256(b"".join(known)).digest())
    async with installation.channel(agent) as channel:
        return list((await MeasurementServiceStub(channel).GetPlan(request)).authorities)


def _signed(installation: Installation, certificate: Command, tmp_path: Path, root: Signer) -> str:
    """Return the file of a certificate that the new root signed for the collector, through an authority below it."""
    below, name = root.below("Autorité des serveurs"), installation.collector.reached_at.listen.host
    (tmp_path / "request.pem").unlink(missing_ok=True)
    assert certificate("request", "--out", str(tmp_path / "request.pem"))[0] == 0
    key = x509.load_pem_x509_csr((tmp_path / "request.pem").read_bytes()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    (tmp_path / "signed.pem").write_bytes(below.server(key, name, "localhost") + below.pem())
    return str(tmp_path / "signed.pem")


def _listed(certificate: Command) -> tuple[list[bool], int]:
    """Return which authorities were announced, in order, and how many machines do not know them all."""
    code, written = certificate("authorities", "--json")
    assert code == 0
    found = json.loads(written)
    return [one["announced"] for one in found["authorities"]], found["machinesBehind"]


async def test_a_certificate_under_another_root_is_installed_once_every_machine_knows_that_root(
    installation: Installation, agent: Identity, certificate: Command, root: Signer, tmp_path: Path
) -> None:
    own = _der(installation.authority)
    assert await _ask(installation, agent, own) == []
    assert _listed(certificate) == ([False], 0)
    code, said = certificate("announce", str(tmp_path / "root.pem"))
    assert (code, root.certificate.fingerprint(hashes.SHA256()).hex() in said) == (0, True)
    assert _listed(certificate) == ([False, True], 1)
    signed = _signed(installation, certificate, tmp_path, root)
    code, said = certificate("install", signed)
    assert code == ExitCode.WRONG_INPUT
    assert "ne joindraient plus le collecteur : 1." in said

    given = await _ask(installation, agent, own)
    assert given == [*own, *_der(root.pem())]
    assert _listed(certificate) == ([False, True], 1)
    assert await _ask(installation, agent, given) == []
    assert _listed(certificate) == ([False, True], 0)
    assert certificate("install", signed)[0] == 0
    async with installation.channel(agent) as channel:
        code_of, _ = await refusal(MeasurementServiceStub(channel).GetPlan(GetPlanRequest(), timeout=20))
        assert code_of.name == "UNAVAILABLE"  # this machine forgot again
    learned = replace(installation, authority="".join(map(ssl.DER_cert_to_PEM_cert, given)).encode())
    assert await _ask(learned, agent, given) == []
    assert installation.run("status", "--json") == 0

    # What the collector shows is not taken away from under it.
    fingerprint = root.certificate.fingerprint(hashes.SHA256()).hex()
    code, said = certificate("withdraw", fingerprint[:12])
    assert (code, "vient de cette autorité" in said) == (ExitCode.WRONG_INPUT, True)
    assert certificate("renew")[0] == 0
    assert certificate("withdraw", fingerprint[:12])[0] == 0
    assert await _ask(learned, agent, given) == own
    assert installation.run("audit", "verify") == 0


async def test_a_machine_that_says_nothing_or_is_long_gone_is_not_waited_for_for_ever(
    installation: Installation, agent: Identity, certificate: Command, root: Signer, tmp_path: Path
) -> None:
    async with installation.channel(agent) as channel:
        assert not (await MeasurementServiceStub(channel).GetPlan(GetPlanRequest())).authorities
    assert certificate("announce", str(tmp_path / "root.pem"))[0] == 0
    assert _listed(certificate)[1] == 1
    signed = _signed(installation, certificate, tmp_path, root)
    assert certificate("install", signed)[0] == ExitCode.WRONG_INPUT

    def age(transaction: Agents) -> None:
        (row,) = transaction.all(SITE)
        row.enrolled_at = row.last_seen = datetime.now(UTC) - AGENT_LIFE - timedelta(days=1)
        transaction.save([row])

    await installation.collector.write(lambda transaction: age(Agents(transaction)))
    assert _listed(certificate)[1] == 0
    assert certificate("install", signed)[0] == 0


async def test_an_administrator_may_leave_machines_behind_knowingly(
    installation: Installation, agent: Identity, certificate: Command, root: Signer, tmp_path: Path
) -> None:
    assert certificate("announce", str(tmp_path / "root.pem"))[0] == 0
    signed = _signed(installation, certificate, tmp_path, root)
    assert certificate("install", signed)[0] == ExitCode.WRONG_INPUT
    assert certificate("install", signed, "--leave-behind")[0] == 0


async def test_tickets_and_accesses_made_from_then_on_know_the_new_root(
    installation: Installation, certificate: Command, root: Signer, tmp_path: Path
) -> None:
    assert certificate("announce", str(tmp_path / "root.pem"))[0] == 0
    installation.operator("dsi", "dsi-1")
    installation.ticket()
    for name in ("operator-dsi-1.toml", "ticket.toml"):
        written = tomllib.loads((installation.data / name).read_text())["authority"]
        assert written == installation.authority.decode() + root.pem().decode()


def _ended() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Racine d'hier")])
    yesterday = datetime.now(UTC) - timedelta(days=1)
    usage = x509.KeyUsage(
        digital_signature=False, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(yesterday - timedelta(days=9)).not_valid_after(yesterday)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    return certificate.public_bytes(Encoding.PEM)


_REFUSED: dict[str, tuple[str, Callable[[Installation, Signer], bytes]]] = {
    "not a root": ("racines seulement", lambda installation, root: root.below("Entre").pem()),
    "a server's": (
        "racines seulement",
        lambda installation, root: root.server(ec.generate_private_key(ec.SECP256R1()).public_key(), "localhost"),
    ),
    "the collector's own": ("déjà connue", lambda installation, root: installation.authority),
    "twice the same": ("déjà connue", lambda installation, root: root.pem() + root.pem()),
    "ended": ("Cette autorité vaut du", lambda installation, root: _ended()),
    "garbage": ("ne contient pas de certificats", lambda installation, root: b"garbage"),
    "half": ("ne contient pas de certificats", lambda installation, root: root.pem()[:-40]),
}


@pytest.mark.parametrize(("told", "content"), _REFUSED.values(), ids=_REFUSED)
async def test_what_cannot_be_a_root_to_come_is_refused_and_nothing_is_announced(
    installation: Installation,
    certificate: Command,
    root: Signer,
    tmp_path: Path,
    told: str,
    content: Callable[[Installation, Signer], bytes],
) -> None:
    (tmp_path / "root.pem").write_bytes(content(installation, root))
    code, said = certificate("announce", str(tmp_path / "root.pem"))
    assert (code, told in said, said.count("\n")) == (ExitCode.WRONG_INPUT, True, 1)
    assert _listed(certificate) == ([False], 0)


async def test_what_was_not_announced_is_not_withdrawn(installation: Installation, certificate: Command) -> None:
    for fingerprint in ("", "ff"):
        code, said = certificate("withdraw", fingerprint)
        assert (code, "ne désigne pas une autorité annoncée" in said) == (ExitCode.WRONG_INPUT, True)


async def test_what_a_machine_says_wrongly_of_what_it_trusts_is_refused(
    installation: Installation, agent: Identity
) -> None:
    async with installation.channel(agent) as channel:
        code, _ = await refusal(MeasurementServiceStub(channel).GetPlan(GetPlanRequest(trusts=b"x")))
    assert code.name == "INVALID_ARGUMENT"
