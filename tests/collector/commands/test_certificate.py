"""The collector's own certificate changes while it serves; nobody who is enrolled has anything to do."""

import asyncio
import socket
import ssl
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.collector.commands.signer import NOW, Signer
from tests.collector.conftest import ANYWHERE, SITE, Identity, Installation, refusal

from prerequis.command_line import ExitCode
from prerequis.v1.measurement_pb2 import GetPlanRequest
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis_collector import __main__ as program
from prerequis_collector import config
from prerequis_collector.config import Address, Listening
from prerequis_collector.opening import load_authority, opened_database, renew_server_identity
from prerequis_collector.server_identity import ServerIdentity, kept_valid
from prerequis_collector.services.authority import Authority
from prerequis_collector.serving import serving
from prerequis_rules.pack import Pack

Capture = pytest.CaptureFixture[str]


@asynccontextmanager
async def _serving(data: Path, pack: Pack) -> AsyncIterator[tuple[Installation, Listening]]:
    known = config.load(data)
    with opened_database(known) as database:
        async with serving(known, database, pack, Listening(ANYWHERE, ANYWHERE, ANYWHERE, ANYWHERE)) as collector:
            yield Installation(data, collector.authority.certificate_pem(), collector), collector.reached_at


@contextmanager
def _secured(where: Address, trusted: bytes, client: Identity, folder: Path) -> Iterator[ssl.SSLSocket]:
    """A connection to a port by a client that shows its certificate and trusts only this PEM."""
    context = ssl.create_default_context(cadata=trusted.decode())
    (folder / "client.pem").write_bytes(b"".join(client.pem()))
    context.load_cert_chain(folder / "client.pem")
    with (
        socket.create_connection((where.host, where.port), timeout=20) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        yield connection


async def _shown(where: Address, trusted: bytes, agent: Identity, folder: Path) -> int:
    """Return the serial number of the certificate that a port shows to a client that trusts only this PEM."""

    def look() -> int:
        with _secured(where, trusted, agent, folder) as connection:
            return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"").serial_number

    return await asyncio.to_thread(look)


async def _all_shown(where: Listening, trusted: bytes, agent: Identity, folder: Path) -> list[int]:
    ports = [where.listen, where.measure, where.enrolment, where.http]
    return [await _shown(port, trusted, agent, folder) for port in ports if port is not None]


def _served(data: Path) -> int:
    return x509.load_pem_x509_certificate((data / "server.pem").read_bytes()).serial_number


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """Return the folder of a collector with one site."""

    def make(*options: str) -> Path:
        data = tmp_path / "collector"
        assert program.main(["--data", str(data), "init", "--name", "localhost", *options]) == 0
        assert program.main(["--data", str(data), "site", "add", SITE, "--name", "Les Tilleuls"]) == 0
        return data

    return make


async def test_a_renewed_certificate_is_shown_on_every_port_and_a_live_agent_goes_on(
    made: Callable[..., Path], pack: Pack, tmp_path: Path
) -> None:
    data = made()
    async with _serving(data, pack) as (installation, where):
        agent = await installation.enrol(installation.ticket())
        before = _served(data)
        assert await _all_shown(where, installation.authority, agent, tmp_path) == [before] * 4
        async with installation.channel(agent) as live:
            await MeasurementServiceStub(live).GetPlan(GetPlanRequest())
            assert installation.run("certificate", "renew") == 0
            after = _served(data)
            assert after != before
            assert await _all_shown(where, installation.authority, agent, tmp_path) == [after] * 4
            await MeasurementServiceStub(live).GetPlan(GetPlanRequest())
        async with installation.channel(agent) as later:
            await MeasurementServiceStub(later).GetPlan(GetPlanRequest())


async def test_what_is_half_written_leaves_the_certificate_as_it_was(
    made: Callable[..., Path], pack: Pack, tmp_path: Path
) -> None:
    data = made()
    async with _serving(data, pack) as (installation, where):
        agent = await installation.enrol(installation.ticket())
        before = _served(data)
        for content in (b"", b"garbage", ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )):  # fmt: skip
            (data / "server.key").write_bytes(content)
            assert await _all_shown(where, installation.authority, agent, tmp_path) == [before] * 4
        assert installation.run("certificate", "renew") == 0
        assert await _all_shown(where, installation.authority, agent, tmp_path) == [_served(data)] * 4


async def test_an_authority_below_the_organisations_root_serves_and_trusts_only_what_it_signed_itself(
    made: Callable[..., Path], pack: Pack, tmp_path: Path
) -> None:
    root = Signer.root()
    issuing, others = root.below("Autorité de Prérequis"), root.below("Autorité des serveurs")
    (tmp_path / "chain.pem").write_bytes(issuing.pem() + root.pem())
    key = issuing.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "ca.key").write_bytes(key)
    data = made("--ca-cert", str(tmp_path / "chain.pem"), "--ca-key", str(tmp_path / "ca.key"))
    async with _serving(data, pack) as (installation, where):
        agent = await installation.enrol(installation.ticket())
        assert len(agent.chain) == 3
        # Whoever knows the root alone accepts the collector too: it shows what lies between.
        assert await _all_shown(where, root.pem(), agent, tmp_path) == [_served(data)] * 4
        forged = Authority(others.certificate, others.key).issue_agent(agent.key.public_key(), agent.agent_id, NOW)
        impostor = Identity(
            agent.key,
            tuple(one.public_bytes(Encoding.DER) for one in (forged, others.certificate, root.certificate)),
            agent.agent_id,
        )
        async with installation.channel(impostor) as channel:
            code, _ = await refusal(MeasurementServiceStub(channel).GetPlan(GetPlanRequest(), timeout=20))
        assert code is grpc.StatusCode.UNAVAILABLE
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await _greeting_refused(where.measure, root.pem(), impostor, tmp_path)

        assert installation.run("certificate", "request", "--out", str(tmp_path / "request.pem")) == 0
        asked = x509.load_pem_x509_csr((tmp_path / "request.pem").read_bytes()).public_key()
        assert isinstance(asked, ec.EllipticCurvePublicKey)
        (tmp_path / "signed.pem").write_bytes(others.server(asked, "localhost") + others.pem())
        async with installation.channel(agent) as live:
            await MeasurementServiceStub(live).GetPlan(GetPlanRequest())
            assert installation.run("certificate", "install", str(tmp_path / "signed.pem")) == 0
            await MeasurementServiceStub(live).GetPlan(GetPlanRequest())
        assert await _all_shown(where, installation.authority, agent, tmp_path) == [_served(data)] * 4
        async with installation.channel(agent) as later:
            await MeasurementServiceStub(later).GetPlan(GetPlanRequest())
    installed = _served(data)
    async with _serving(data, pack):
        assert _served(data) == installed


async def _greeting_refused(where: Address, trusted: bytes, client: Identity, folder: Path) -> None:
    """Say something, and read: with TLS 1.3 a client learns only then that its certificate was refused."""

    def greet() -> None:
        with _secured(where, trusted, client, folder) as connection:
            connection.sendall(b"PREREQUIS/1 00 down\n")
            assert not connection.recv(1)

    await asyncio.to_thread(greet)


_SIGNED: dict[str, tuple[str, Callable[[Signer, ec.EllipticCurvePublicKey], bytes]]] = {
    "of an authority that agents do not know": (
        "Les postes n'accepteraient pas", lambda root, key: Signer.root().server(key, "localhost"),
    ),
    "without what lies between": (
        "Les postes n'accepteraient pas", lambda root, key: root.below("Entre").server(key, "localhost"),
    ),
    "of another name": ("Les postes n'accepteraient pas", lambda root, key: root.server(key, "ailleurs.example")),
    "ended": (
        "Ce certificat vaut du", lambda root, key: root.server(key, "localhost", ends=NOW - timedelta(days=1)),
    ),
    "of another key": (
        "n'est pas celui de la dernière demande",
        lambda root, key: root.server(ec.generate_private_key(ec.SECP256R1()).public_key(), "localhost"),
    ),
    "garbage": ("ne contient pas de certificats", lambda root, key: b"garbage"),
    "half": ("ne contient pas de certificats", lambda root, key: root.server(key, "localhost")[:-40]),
}  # fmt: skip


def test_a_certificate_that_agents_would_refuse_is_not_installed(
    made: Callable[..., Path], tmp_path: Path, capsys: Capture
) -> None:
    root = Signer.root()
    (tmp_path / "ca.pem").write_bytes(root.pem())
    (tmp_path / "ca.key").write_bytes(root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    data = made("--ca-cert", str(tmp_path / "ca.pem"), "--ca-key", str(tmp_path / "ca.key"))
    signed, asked = tmp_path / "signed.pem", tmp_path / "request.pem"
    install = ["--data", str(data), "certificate", "install", str(signed)]
    assert program.main(install) == ExitCode.WRONG_INPUT
    assert "commencer par « certificate request »" in capsys.readouterr().err
    assert program.main(["--data", str(data), "certificate", "request", "--out", str(asked)]) == 0
    request = x509.load_pem_x509_csr(asked.read_bytes())
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName)[0] == "localhost"
    found = {}
    capsys.readouterr()
    for kind, (_, sign) in _SIGNED.items():
        signed.write_bytes(sign(root, key))
        assert program.main(install) == ExitCode.WRONG_INPUT
        found[kind] = capsys.readouterr().err
    assert {kind: told in found[kind] for kind, (told, _) in _SIGNED.items()} == dict.fromkeys(_SIGNED, True)
    assert {said.count("\n") for said in found.values()} == {1}
    assert not (data / "server.pem").exists()
    signed.write_bytes(root.server(key, "localhost"))
    assert program.main(install) == 0
    assert (data / "server.key").stat().st_mode & 0o777 == 0o600
    assert not (data / "server.request.key").exists()


async def test_a_certificate_is_renewed_by_itself_at_two_thirds_of_its_life(made: Callable[..., Path]) -> None:
    known = config.load(made())
    authority = load_authority(known)
    identity = renew_server_identity(known, authority)
    fresh = identity.current()
    assert not fresh.is_due(NOW + timedelta(days=250))
    assert fresh.is_due(NOW + timedelta(days=300))
    renewed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def renew() -> None:
        renew_server_identity(known, authority)
        loop.call_soon_threadsafe(renewed.set)

    old = Authority(authority.certificate, authority.key).issue_server(
        identity_key(identity), ["localhost"], NOW - timedelta(days=300)
    )
    known.server_certificate.write_bytes(old.public_bytes(Encoding.PEM))
    async with kept_valid(identity, renew, look_seconds=0.01), asyncio.timeout(60):
        await renewed.wait()
        while identity.current().is_due(NOW):
            await asyncio.sleep(0.01)
    assert identity.current().begins > NOW - timedelta(days=1)


def identity_key(identity: ServerIdentity) -> ec.EllipticCurvePublicKey:
    key = x509.load_pem_x509_certificate(identity.current().chain).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def test_every_change_of_the_certificate_is_in_the_audit_trail(made: Callable[..., Path], capsys: Capture) -> None:
    data = made()
    assert program.main(["--data", str(data), "certificate", "renew"]) == 0
    told = capsys.readouterr().err
    assert "Les postes n'ont rien à changer" in told
    assert program.main(["--data", str(data), "audit", "list"]) == 0
    assert "certificate.renew" in capsys.readouterr().out
    assert tomllib.loads((data / "collector.toml").read_text())["names"][0] == "localhost"
