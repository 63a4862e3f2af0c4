"""A collector that answers what a test sets: a real gRPC server with real mutual TLS on a port of its own."""

import asyncio
import io
import ipaddress
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf import json_format

from prerequis.v1 import (
    line_review_pb2,
    line_review_pb2_grpc,
    ordering_pb2,
    ordering_pb2_grpc,
    register_pb2,
    review_pb2,
    review_pb2_grpc,
    services_review_pb2,
    services_review_pb2_grpc,
)
from prerequis_tui.__main__ import command_line, execute, found_commands
from prerequis_tui.client import Client
from prerequis_tui.credential import read

DATA = Path(__file__).parent / "data"


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


class Authority:
    """A certificate authority of one test run."""

    def __init__(self, name: str) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate = _pem(
            self._builder(self._name, self._key).add_extension(basic, critical=True).sign(self._key, hashes.SHA256())
        )

    def issue(self, *names: x509.GeneralName, days: int = 1) -> tuple[str, str]:
        """Return a certificate for the names that ends in so many days, and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([]), key, days).add_extension(
            x509.SubjectAlternativeName(names), critical=True
        )
        return _pem(builder.sign(self._key, hashes.SHA256())), _key_pem(key)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int = 1) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=10))
            .not_valid_after(now + timedelta(days=days))
        )


@dataclass
class Kept:
    """What the collector of a test knows and was told."""

    sites: list[review_pb2.SiteSummary] = field(default_factory=list)
    being_judged: int = 0
    details: dict[str, review_pb2.GetSiteResponse] = field(default_factory=dict)
    needs: ordering_pb2.ListNeedsResponse = field(default_factory=ordering_pb2.ListNeedsResponse)
    pack: review_pb2.GetPackResponse = field(default_factory=review_pb2.GetPackResponse)
    answers: list[review_pb2.SaveAnswerRequest] = field(default_factory=list)
    lines: dict[str, line_review_pb2.GetLineResponse] = field(default_factory=dict)
    services: dict[str, services_review_pb2.GetServicesResponse] = field(default_factory=dict)
    orders: list[ordering_pb2.RecordOrderRequest] = field(default_factory=list)
    refusal: tuple[grpc.StatusCode, str] | tuple[grpc.StatusCode, str, tuple[tuple[str, str], ...]] | None = None
    """When set, every call ends so."""
    needs_refusal: tuple[grpc.StatusCode, str] | None = None
    judging_refusal: tuple[grpc.StatusCode, str] | None = None
    judging_seconds: float = 0.0
    """How long it takes to say how the judging goes."""


class _Review(review_pb2_grpc.ReviewServiceServicer):
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def ListSites(
        self,
        request: review_pb2.ListSitesRequest,
        context: grpc.aio.ServicerContext[review_pb2.ListSitesRequest, Awaitable[review_pb2.ListSitesResponse]],
    ) -> review_pb2.ListSitesResponse:
        if self._kept.refusal:
            await context.abort(*self._kept.refusal)
        return review_pb2.ListSitesResponse(sites=self._kept.sites, being_judged=self._kept.being_judged)

    async def GetJudging(
        self,
        request: review_pb2.GetJudgingRequest,
        context: grpc.aio.ServicerContext[review_pb2.GetJudgingRequest, Awaitable[review_pb2.GetJudgingResponse]],
    ) -> review_pb2.GetJudgingResponse:
        await asyncio.sleep(self._kept.judging_seconds)
        refusal = self._kept.refusal or self._kept.judging_refusal
        if refusal:
            await context.abort(*refusal)
        return review_pb2.GetJudgingResponse(being_judged=self._kept.being_judged)

    async def GetSite(
        self,
        request: review_pb2.GetSiteRequest,
        context: grpc.aio.ServicerContext[review_pb2.GetSiteRequest, Awaitable[review_pb2.GetSiteResponse]],
    ) -> review_pb2.GetSiteResponse:
        if self._kept.refusal:
            await context.abort(*self._kept.refusal)
        if request.finess not in self._kept.details:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"aucun site {request.finess}.")
        return self._kept.details[request.finess]

    async def GetPack(
        self,
        request: review_pb2.GetPackRequest,
        context: grpc.aio.ServicerContext[review_pb2.GetPackRequest, Awaitable[review_pb2.GetPackResponse]],
    ) -> review_pb2.GetPackResponse:
        if self._kept.refusal:
            await context.abort(*self._kept.refusal)
        return self._kept.pack

    async def SaveAnswer(
        self,
        request: review_pb2.SaveAnswerRequest,
        context: grpc.aio.ServicerContext[review_pb2.SaveAnswerRequest, Awaitable[review_pb2.SaveAnswerResponse]],
    ) -> review_pb2.SaveAnswerResponse:
        if self._kept.refusal:
            await context.abort(*self._kept.refusal)
        self._kept.answers.append(request)
        answer = register_pb2.Answer(question=request.question, choice=request.choice, author="dsi")
        if request.finess in self._kept.details:
            self._kept.details[request.finess].answers.append(answer)
        return review_pb2.SaveAnswerResponse(answer=answer)

    async def SetParameter(
        self,
        request: review_pb2.SetParameterRequest,
        context: grpc.aio.ServicerContext[review_pb2.SetParameterRequest, Awaitable[review_pb2.SetParameterResponse]],
    ) -> review_pb2.SetParameterResponse:
        if self._kept.refusal:
            await context.abort(*self._kept.refusal)
        parameter = review_pb2.SiteParameter(name=request.name, value=request.value, author="dsi")
        parameter.settled_at.FromJsonString("2026-11-22T10:00:00Z")
        parameter.reason = request.reason
        return review_pb2.SetParameterResponse(parameter=parameter)


class _LineReview(line_review_pb2_grpc.LineReviewServiceServicer):
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def GetLine(
        self,
        request: line_review_pb2.GetLineRequest,
        context: grpc.aio.ServicerContext[line_review_pb2.GetLineRequest, Awaitable[line_review_pb2.GetLineResponse]],
    ) -> line_review_pb2.GetLineResponse:
        if self._kept.refusal:
            await context.abort(*self._kept.refusal)
        unknown = line_review_pb2.GetLineResponse(summary=line_review_pb2.LineSummary(finess=request.finess))
        return self._kept.lines.get(request.finess, unknown)

    async def ListLines(
        self,
        request: line_review_pb2.ListLinesRequest,
        context: grpc.aio.ServicerContext[
            line_review_pb2.ListLinesRequest, Awaitable[line_review_pb2.ListLinesResponse]
        ],
    ) -> line_review_pb2.ListLinesResponse:
        if self._kept.refusal:
            await context.abort(*self._kept.refusal)
        return line_review_pb2.ListLinesResponse(lines=[line.summary for line in self._kept.lines.values()])


class _ServicesReview(services_review_pb2_grpc.ServicesReviewServiceServicer):
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def GetServices(
        self,
        request: services_review_pb2.GetServicesRequest,
        context: grpc.aio.ServicerContext[
            services_review_pb2.GetServicesRequest, Awaitable[services_review_pb2.GetServicesResponse]
        ],
    ) -> services_review_pb2.GetServicesResponse:
        if self._kept.refusal:
            await context.abort(*self._kept.refusal)
        never = services_review_pb2.GetServicesResponse(finess=request.finess)
        return self._kept.services.get(request.finess, never)


class _Ordering(ordering_pb2_grpc.OrderingServiceServicer):
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def ListNeeds(
        self,
        request: ordering_pb2.ListNeedsRequest,
        context: grpc.aio.ServicerContext[ordering_pb2.ListNeedsRequest, Awaitable[ordering_pb2.ListNeedsResponse]],
    ) -> ordering_pb2.ListNeedsResponse:
        refusal = self._kept.refusal or self._kept.needs_refusal
        if refusal:
            await context.abort(*refusal)
        needs = self._kept.needs
        return ordering_pb2.ListNeedsResponse(
            lines=[line for line in needs.lines if request.finess in ("", line.finess)],
            sites_not_measured=[one for one in needs.sites_not_measured if request.finess in ("", one)],
            being_judged=self._kept.being_judged,
        )

    async def RecordOrder(
        self,
        request: ordering_pb2.RecordOrderRequest,
        context: grpc.aio.ServicerContext[ordering_pb2.RecordOrderRequest, Awaitable[ordering_pb2.RecordOrderResponse]],
    ) -> ordering_pb2.RecordOrderResponse:
        if self._kept.refusal:
            await context.abort(*self._kept.refusal)
        self._kept.orders.append(request)
        line = ordering_pb2.NeedLine(finess=request.finess, item=request.item, certain=5, ordered=request.quantity)
        line.to_order = max(line.certain - line.ordered, 0)
        return ordering_pb2.RecordOrderResponse(line=line, being_judged=bool(self._kept.being_judged))


@dataclass
class Collector:
    """A collector that can be stopped and started again on the same port."""

    kept: Kept
    credential: Path
    """The file of an operator whom it knows."""
    port: int
    _authority: Authority
    _server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Answer from now on."""
        names = (x509.IPAddress(ipaddress.ip_address("127.0.0.1")),)
        certificate, key = self._authority.issue(*names)
        keys = grpc.ssl_server_credentials(
            [(key.encode(), certificate.encode())], self._authority.certificate.encode(), require_client_auth=True
        )
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        review_pb2_grpc.add_ReviewServiceServicer_to_server(_Review(self.kept), self._server)
        line_review_pb2_grpc.add_LineReviewServiceServicer_to_server(_LineReview(self.kept), self._server)
        services_review_pb2_grpc.add_ServicesReviewServiceServicer_to_server(_ServicesReview(self.kept), self._server)
        ordering_pb2_grpc.add_OrderingServiceServicer_to_server(_Ordering(self.kept), self._server)
        self.port = self._server.add_secure_port(f"127.0.0.1:{self.port}", keys)
        await self._server.start()

    async def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Give a client of the operator whom the collector knows."""
        async with Client(read(self.credential)) as client:
            yield client


@dataclass(frozen=True)
class Ended:
    """What a command left."""

    code: int
    out: str
    err: str
    raw: bytes


Run = Callable[..., Awaitable[Ended]]


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Return the authority that the collector and its operators trust."""
    return Authority("Autorité d'essai")


def write_credential(path: Path, authority: Authority, trusted: str, port: int, days: int = 1) -> Path:
    """Write the file of an operator whose certificate comes from `authority` and ends in so many days."""
    certificate, key = authority.issue(x509.UniformResourceIdentifier("prerequis://operator/essai"), days=days)
    expires = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    path.touch(mode=0o600)
    path.write_text(
        f'collector = "127.0.0.1:{port}"\nauthority = """{trusted}"""\ncertificate = """{certificate}"""\n'
        f'key = """{key}"""\nname = "essai"\nrole = "dsi"\nexpires = {expires}\n'
    )
    return path


@pytest.fixture
async def collector(tmp_path: Path, authority: Authority) -> AsyncIterator[Collector]:
    """Give a running collector that knows nothing yet."""
    made = Collector(Kept(), tmp_path / "essai.toml", 0, authority)
    await made.start()
    write_credential(made.credential, authority, authority.certificate, made.port)
    yield made
    await made.stop()


def know_the_park(collector: Collector) -> None:
    """Let the collector know the sites of the data folder."""
    listed, needs, pack = review_pb2.ListSitesResponse(), collector.kept.needs, collector.kept.pack
    json_format.Parse((DATA / "sites.json").read_text(), listed)
    json_format.Parse((DATA / "needs.json").read_text(), needs)
    json_format.Parse((DATA / "pack.json").read_text(), pack)
    collector.kept.sites.extend(listed.sites)
    for path in sorted(DATA.glob("site-*.json")):
        site = json_format.Parse(path.read_text(), review_pb2.GetSiteResponse())
        collector.kept.details[site.site.finess] = site


@pytest.fixture
def park(collector: Collector) -> Collector:
    """Return a running collector that knows the sites of the data folder."""
    know_the_park(collector)
    return collector


@pytest.fixture
def run(collector: Collector) -> Run:
    """Return a function that runs one command line in this process, as the collector's operator."""

    async def ended(*arguments: str, credential: bool = True) -> Ended:
        known = found_commands()
        named = ("--credential", str(collector.credential)) if credential else ()
        options = command_line(known).parse_args([*named, *arguments])
        out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline=""), io.StringIO()
        code = await execute(known[options.command], options, out, err)
        out.flush()
        assert isinstance(out.buffer, io.BytesIO)
        raw = out.buffer.getvalue()
        return Ended(code, raw.decode(), err.getvalue(), raw)

    return ended


@pytest.fixture
def process(collector: Collector) -> Run:
    """Return a function that runs one command line in a process of its own."""

    async def ended(*arguments: str) -> Ended:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "prerequis_tui",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "PREREQUIS_CREDENTIAL": str(collector.credential)},
        )
        out, err = await child.communicate()
        return Ended(child.returncode or 0, out.decode(), err.decode(), out)

    return ended


@pytest.fixture(scope="session")
def stranger() -> Authority:
    """Return an authority that nobody trusts."""
    return Authority("Autorité étrangère")


@pytest.fixture
def strange_credential(collector: Collector, authority: Authority, stranger: Authority, tmp_path: Path) -> Path:
    """Return the file of an operator whom the collector's authority did not sign."""
    return write_credential(tmp_path / "etranger.toml", stranger, authority.certificate, collector.port)


@pytest.fixture
def sample() -> ordering_pb2.ListNeedsResponse:
    """Return the needs of the data folder."""
    return json_format.Parse((DATA / "needs.json").read_text(), ordering_pb2.ListNeedsResponse())
