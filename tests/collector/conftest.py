"""A real collector on loopback, and the machines and people who call it."""

import shutil
import tomllib
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from grpc import aio
from tests.collector import postgresql
from tests.shipped import shipped_pack

from prerequis.v1.enrolment_pb2 import EnrolRequest
from prerequis.v1.enrolment_pb2_grpc import EnrolmentServiceStub
from prerequis.v1.facts_pb2 import Facts, Reader, Smartcard
from prerequis.v1.middleware_pb2 import Middleware
from prerequis.v1.report_pb2 import Report, SignedReport, Workstation
from prerequis_collector import __main__ as program
from prerequis_collector import config
from prerequis_collector.collector import Collector
from prerequis_collector.config import Address, Listening
from prerequis_collector.opening import load_rules, opened_database
from prerequis_collector.services.authority import key_pem, new_key
from prerequis_collector.serving import serving
from prerequis_rules.pack import Pack

SITE = "330000019"
ANYWHERE = Address("127.0.0.1", 0)


@dataclass(frozen=True)
class Identity:
    """A key and a certificate, as an agent or an operator holds them."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[bytes, ...]
    """DER, the leaf first."""
    agent_id: str = ""

    def pem(self) -> tuple[bytes, bytes]:
        certificates = [x509.load_der_x509_certificate(der) for der in self.chain]
        return key_pem(self.key), b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)

    def sign(self, report: Report | bytes) -> SignedReport:
        body = report if isinstance(report, bytes) else report.SerializeToString()
        signature = self.key.sign(body, ec.ECDSA(hashes.SHA256()))
        return SignedReport(report=body, signature=signature, certificate=self.chain[0])


def csr_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def report_of(hostname: str = "PC-SOIN-1", *, readers: int = 0, at: datetime | None = None) -> Report:
    """Return what a care workstation with some readers reports."""
    smartcard = Smartcard(service=Smartcard.RUNNING, readers=[Reader(seen_by_pcsc=True)] * readers)
    workstation = Workstation(role=Workstation.CARE, hostname=hostname)
    facts = Facts(smartcard=smartcard, middleware=Middleware(remote_session=False))
    report = Report(agent_version="0", workstation=workstation, facts=facts)
    report.collected_at.FromDatetime(at or datetime.now(UTC))
    return report


async def refusal(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    """Return the status and the sentence with which a call was refused."""
    with pytest.raises(aio.AioRpcError) as refused:
        await call
    return refused.value.code(), refused.value.details() or ""


def identity_of(path: Path) -> Identity:
    """Return the operator whom a credential file names."""
    credential = tomllib.loads(path.read_text())
    key = serialization.load_pem_private_key(credential["key"].encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(credential["certificate"].encode())
    return Identity(key, (certificate.public_bytes(serialization.Encoding.DER),))


@dataclass(frozen=True)
class Installation:
    """A collector in a folder of its own."""

    data: Path
    authority: bytes
    collector: Collector

    def run(self, *arguments: str) -> int:
        """Return the exit code of a command of `prerequis-collector` on this folder."""
        return program.main(["--data", str(self.data), *arguments])

    def operator(self, role: str, name: str = "", *options: str) -> Identity:
        path = self.data / f"operator-{name or role}.toml"
        assert self.run("operator", "create", name or role, "--role", role, "--out", str(path), *options) == 0
        return identity_of(path)

    def ticket(self, *options: str, name: str = "ticket") -> str:
        """Return the secret of a new ticket."""
        path = self.data / f"{name}.toml"
        assert self.run("ticket", "create", "--site", SITE, "--out", str(path), *options) == 0
        return str(tomllib.loads(path.read_text())["secret"])

    def channel(self, identity: Identity | None, *, where: Address | None = None) -> aio.Channel:
        key, chain = identity.pem() if identity else (None, None)
        credentials = grpc.ssl_channel_credentials(self.authority, key, chain)
        return aio.secure_channel(str(where or self.collector.reached_at.listen), credentials)

    async def enrol(self, secret: str) -> Identity:
        key = new_key()
        async with self.channel(None, where=self.collector.reached_at.enrolment) as channel:
            answer = await EnrolmentServiceStub(channel).Enrol(EnrolRequest(ticket=secret, csr=csr_of(key)))
        return Identity(key, tuple(answer.chain), answer.agent_id)


@pytest.fixture(scope="session")
def pack() -> Pack:
    return shipped_pack()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that `init` made, of which copies are quicker than new ones, the compiled rules among it."""
    data = tmp_path_factory.mktemp("prepared") / "collector"
    for arguments in (
        ["init", "--name", "localhost"],
        ["site", "add", SITE, "--name", "Les Tilleuls", "--professionals", "3", "--workstations", "2"],
    ):
        assert program.main(["--data", str(data), *arguments]) == 0
    load_rules(config.load(data))
    return data


@pytest.fixture
def data(prepared: Path, tmp_path: Path) -> Path:
    """Return the folder of a collector that was set up, knows one site and never served."""
    return Path(shutil.copytree(prepared, tmp_path / "collector"))


@pytest.fixture
async def installation(data: Path, pack: Pack) -> AsyncIterator[Installation]:
    known = config.load(data)
    with opened_database(known) as database:
        async with serving(known, database, pack, Listening(ANYWHERE, ANYWHERE, ANYWHERE)) as collector:
            yield Installation(data, collector.authority.certificate_pem(), collector)


@pytest.fixture
async def agent(installation: Installation) -> Identity:
    return await installation.enrol(installation.ticket())


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """One for each process that runs tests, started when first asked for."""
    with postgresql.server() as url:
        yield url
