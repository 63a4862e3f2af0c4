"""Any bytes at every entry that strangers reach: an answer or a refusal, never another error.

Reports are tried in tests/collector/services/test_accept.py, bundles in test_bundle.py there, greetings of the
measuring port in tests/collector/test_line_server.py, the agent's own files in tests/agent/.
"""

import contextlib
import logging
import socket
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collector.conftest import csr_of
from tests.shipped import shipped_pack

from prerequis_agent.config import read_ticket
from prerequis_agent.errors import ConfigurationError
from prerequis_collector.api.admission import source
from prerequis_collector.config import Address, load
from prerequis_collector.errors import InvalidInput
from prerequis_collector.line_http import LineHttp
from prerequis_collector.line_server import http_context
from prerequis_collector.services.authority import Authority, key_pem, new_key, requested_key
from prerequis_collector.services.import_sites import keep_import, plan_import
from prerequis_collector.services.lease import Lease, Leases
from prerequis_collector.services.register import save_site, site_message
from prerequis_collector.services.register_file import read_register
from prerequis_collector.store import migrate
from prerequis_collector.store.database import Database
from prerequis_collector.store.sites import SiteRow, Sites
from prerequis_rules.pack import Pack

_REQUEST = csr_of(new_key())
_TICKET = """\
collector = "c.exemple.fr:7443"
enrolment = "c.exemple.fr:7445"
authority = "PEM"
secret = "abc"
finess = "330000019"
site = "Les Tilleuls"
expires = 2027-01-01T00:00:00Z
"""


@st.composite
def _damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Return the bytes with some changed, taken out or put in."""
    damaged = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(damaged) - 1)))
        taken = draw(st.integers(0, 3))
        damaged[place : place + taken] = draw(st.binary(max_size=3))
    return bytes(damaged)


@given(st.binary(max_size=300) | _damaged(_REQUEST))
def test_a_request_for_a_certificate_gives_its_key_or_is_refused(csr: bytes) -> None:
    try:
        key = requested_key(csr)
    except InvalidInput:
        return
    assert key.curve.name == "secp256r1"


@given(st.binary(max_size=300) | _damaged(_TICKET.encode()))
def test_a_ticket_file_is_read_or_refused_with_a_sentence(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ticket.toml"
        path.write_bytes(content)
        try:
            ticket = read_ticket(path)
        except ConfigurationError as refused:
            assert str(path) in str(refused)
        else:
            assert ticket.expires.tzinfo is not None


_SETTINGS = """\
names = ["c.exemple.fr", "localhost"]
database = "postgresql://compte@machine/base"
rules = "regles"
national_services = false
uplink_megabits = 500
librespeed = "https://debit.exemple.fr"
"""
_VALUES = st.sampled_from(["1", "-1", "0.0", "nan", "inf", "true", "[]", "{}", '"x"', "[1]", "2027-01-01", "'\\u0000'"])
_LINES = st.lists(st.sampled_from(_SETTINGS.split("\n")) | st.builds("{} = {}".format, st.sampled_from(
    ["names", "database", "rules", "national_services", "uplink_megabits", "librespeed"]), _VALUES,
), max_size=8).map("\n".join)  # fmt: skip


@given(st.binary(max_size=200) | _damaged(_SETTINGS.encode()) | _LINES.map(str.encode))
def test_the_settings_of_a_collector_are_read_or_refused_with_a_sentence(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "collector.toml"
        path.write_bytes(content)
        try:
            known = load(path.parent)
        except InvalidInput as refused:
            assert str(path) in str(refused)
        else:
            assert known.public_name == known.names[0]
            assert known.uplink_bits_per_second > 0


_REGISTER = """\
finess;nom;organisme;postes;échéance;lot
330000019;Les Tilleuls;330000100;4;31/12/2026;
330000027;"L'Été ; annexe";;;;
"""
_EXTRACT = "finess;etalab;111;2026-05-12\nstructureet;330000019;330000100;LES TILLEULS;;;\n"


@given(
    st.binary(max_size=200)
    | _damaged(_REGISTER.encode())
    | _damaged(_REGISTER.encode("latin-1"))
    | _damaged(_REGISTER.encode("utf-16"))
    | _damaged(_EXTRACT.encode()),
    st.sampled_from(["", "330000100"]),
)
def test_a_file_of_the_register_is_kept_whole_or_refused_with_a_sentence(
    database: Database, pack: Pack, content: bytes, organisation: str
) -> None:
    with database.write() as transaction:
        try:
            lines = read_register(content, organisation).lines
            keep_import(transaction, plan_import(transaction, lines, pack), author="essai", now=datetime.now(UTC))
        except InvalidInput as refused:
            assert str(refused).endswith(".")
            transaction.rollback()
            return
    with database.read() as transaction:
        assert plan_import(transaction, lines, pack).unchanged == len(lines)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return shipped_pack()


@given(st.builds(
    SiteRow, finess=st.sampled_from(["330000019", "2a0000019", "33000001", "x"]), name=st.text(max_size=20),
    organisation=st.sampled_from(["", "330000100", "é"]), workstations=st.none() | st.integers(-2, 2**31 - 1),
    simultaneous_users=st.none() | st.integers(-2, 5), profile=st.text(max_size=5),
))  # fmt: skip
def test_a_line_of_the_register_is_kept_as_it_was_given_or_refused(database: Database, site: SiteRow) -> None:
    name, finess = site.name, site.finess.upper()
    with database.write() as transaction:
        try:
            save_site(transaction, site, author="essai", now=datetime.now(UTC))
        except InvalidInput as refused:
            assert str(refused).endswith(".")
            transaction.rollback()
            return
    with database.read() as transaction:
        kept = Sites(transaction).find(finess)
        assert kept is not None
        assert kept.name == name
        assert site_message(kept).finess == finess


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('register') / 'collector.sqlite3'}")
    migrate.upgrade(made)
    yield made
    made.close()


@given(st.text(max_size=60))
def test_where_a_call_comes_from_is_a_network_or_refused(peer: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert source(peer)


class _Faults(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LineHttp, ssl.SSLContext, _Faults]]:
    """Give a port that serves, how to trust it, and what it logs as its own fault."""
    folder = tmp_path_factory.mktemp("http")
    authority, key, now = Authority.create(datetime.now(UTC)), new_key(), datetime.now(UTC)
    certificate = authority.issue_server(key.public_key(), ("127.0.0.1",), now).public_bytes(serialization.Encoding.PEM)
    paths = folder / "server.pem", folder / "server.key"
    for path, content in zip(paths, (certificate, key_pem(key)), strict=True):
        path.write_bytes(content)
    leases, faults = Leases(), _Faults()
    leases.give(Lease("agent", "mesure", 3_000_000))
    port = LineHttp(Address("127.0.0.1", 0), http_context(str(paths[0]), str(paths[1])), leases)
    logging.getLogger("prerequis_collector").addHandler(faults)
    try:
        yield port, ssl.create_default_context(cadata=authority.certificate_pem().decode()), faults
    finally:
        logging.getLogger("prerequis_collector").removeHandler(faults)
        port.close()


_WORDS = b"GET;POST;BREW;/empty.php;?token=00;&rate=-1;HTTP/1.1;HTTP/9; ;\r\n;:;%00;Content-Length: -5".split(b";")
_HEADERS = b"Content-Length: 9999999999999;Transfer-Encoding: chunked;Expect: 100-continue".split(b";")


@settings(max_examples=60)
@given(st.lists(st.sampled_from([*_WORDS, *_HEADERS]) | st.binary(max_size=8), max_size=20).map(b"".join))
def test_no_request_over_http_moves_a_byte_or_breaks_the_port(
    http: tuple[LineHttp, ssl.SSLContext, _Faults], sent: bytes
) -> None:
    port, trusting, faults = http
    answered = b""
    with (
        socket.create_connection(("127.0.0.1", port.address.port), 60) as raw,
        trusting.wrap_socket(raw, server_hostname="127.0.0.1") as connection,
        contextlib.suppress(ConnectionError, ssl.SSLError),
    ):
        connection.sendall(sent + b"\r\n\r\n")
        while b"\r\n\r\n" not in answered and (more := connection.recv(4096)):
            answered += more
    assert b" 200 " not in answered.partition(b"\r\n")[0]
    assert faults.heard == []
