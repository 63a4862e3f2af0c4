"""Parts that the agent's tests share: a certificate authority of their own, and TLS servers on loopback."""

import ipaddress
import signal
import socket
import ssl
import sys
import threading
import tomllib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell starts what runs in the background, and the commands that these tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Authority:
    """A CA whose certificates carry the names they are asked to."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, name: str = "Autorité d'essai") -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Essai"),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
            ]
        )
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                    key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        return cls(key, certificate)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign(
        self,
        key: ec.EllipticCurvePublicKey,
        names: list[x509.GeneralName],
        begins: timedelta = timedelta(hours=-1),
        ends: timedelta = timedelta(days=90),
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def server_pem(self, *hosts: str) -> tuple[bytes, bytes]:
        """Return key and certificate of a server that goes by these names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = []
        for host in hosts:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                names.append(x509.DNSName(host))
        certificate = self.sign(key.public_key(), names)
        return private_pem(key), certificate.public_bytes(serialization.Encoding.PEM)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def agent_name(identifier: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(f"prerequis://agent/{identifier}")]


if sys.platform == "win32":
    # Wine is slower than Windows, and the same properties are tried at length on Linux.
    settings.register_profile("wine", deadline=None, max_examples=20)
    settings.load_profile("wine")

    GAPS: dict[str, str] = tomllib.loads((Path(__file__).parent / "windows" / "gaps.toml").read_text("utf-8"))["gaps"]
    collect_ignore = [name for name in GAPS if name.endswith(".py")]

    def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
        """Pass over what has no sense on Windows or under Wine, one by one and with the reason."""
        met = {name for name in GAPS if name.endswith(".py")}
        for item in items:
            name = item.nodeid.removeprefix("tests/agent/").partition("[")[0]
            if name in GAPS:
                met.add(name)
                item.add_marker(pytest.mark.skip(reason=GAPS[name]))
        whole = [Path(each).resolve() for each in config.args] == [Path(__file__).parent]
        if whole and (gone := set(GAPS) - met):
            raise pytest.UsageError(f"gaps.toml names tests that are gone: {sorted(gone)}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Name a failure at once: a run that lasts too long is ended before its summary."""
        report = yield
        if report.failed:
            item.config.get_terminal_writer().line(f"\n{item.nodeid}")
        return report

    def pytest_configure(config: pytest.Config) -> None:
        """Know the mark of pytest-xdist, which Wine does without."""
        config.addinivalue_line("markers", "xdist_group(name): tests that share one process")


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The CA of the collector of these tests."""
    return Authority.create()


@pytest.fixture
def authority_file(authority: Authority, tmp_path: Path) -> Path:
    path = tmp_path / "authority.pem"
    path.write_bytes(authority.pem)
    return path


@pytest.fixture
def identity_file(authority: Authority, tmp_path: Path) -> Path:
    """Key and chain of an agent, as the agent keeps them."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.sign(key.public_key(), agent_name("essai"))
    path = tmp_path / "identity.pem"
    path.write_bytes(private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
    return path


Serve = Callable[[Callable[[socket.socket], None]], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that listens on a free port of 127.0.0.1 and gives it; each connection has a thread."""
    listeners: list[socket.socket] = []

    def start(handle: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        # Loopback would take megabytes into its buffers, where a line takes what it can carry.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        listeners.append(listener)

        def one(connection: socket.socket) -> None:
            connection.settimeout(20)
            with closing(connection):
                try:
                    handle(connection)
                except OSError:  # the agent left in the middle, as these tests make it do
                    return

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        # shutdown wakes accept, which close alone does not; Windows has it the other way round.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def server_context(authority: Authority, folder: Path, *hosts: str, mutual: bool = False) -> ssl.SSLContext:
    """Return the context of a TLS server with a certificate of this CA; a mutual one asks for the client's too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key, certificate = authority.server_pem(*hosts)
    path = folder / f"server-{len(list(folder.glob('server-*')))}.pem"
    path.write_bytes(key + certificate)
    context.load_cert_chain(path)
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=authority.pem.decode())
    return context
