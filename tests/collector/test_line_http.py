"""LibreSpeed's endpoints of the collector, over real TLS, for clients that show no certificate."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from prerequis_collector.config import Address
from prerequis_collector.line_http import LineHttp
from prerequis_collector.line_server import http_context
from prerequis_collector.services.authority import Authority, key_pem, new_key
from prerequis_collector.services.lease import Lease, Leases

Ask = Callable[..., tuple[http.client.HTTPResponse, bytes]]


@pytest.fixture
def leases() -> Leases:
    return Leases()


@pytest.fixture
def lease(leases: Leases) -> Lease:
    lease = Lease("agent", "mesure", 3_000_000)
    leases.give(lease)
    return lease


@pytest.fixture
def connection(leases: Leases, tmp_path: Path) -> Iterator[http.client.HTTPSConnection]:
    authority, key = Authority.create(datetime.now(UTC)), new_key()
    certificate = authority.issue_server(key.public_key(), ("127.0.0.1",), datetime.now(UTC))
    (tmp_path / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "server.key").write_bytes(key_pem(key))
    context = http_context(str(tmp_path / "server.pem"), str(tmp_path / "server.key"))
    server = LineHttp(Address("127.0.0.1", 0), context, leases)
    trusting = ssl.create_default_context(cadata=authority.certificate_pem().decode())
    connection = http.client.HTTPSConnection("127.0.0.1", server.address.port, timeout=60, context=trusting)
    try:
        yield connection
    finally:
        connection.close()
        server.close()


@pytest.fixture
def ask(connection: http.client.HTTPSConnection) -> Ask:
    def request(
        method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read()

    return request


def test_a_browser_with_a_live_token_gets_what_librespeed_gives(ask: Ask, lease: Lease) -> None:
    token = lease.token.hex()
    answer, body = ask("GET", f"/backend/garbage.php?ckSize=1&token={token}")
    assert (answer.status, len(body)) == (200, 1 << 20)
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert len(set(body)) == 256
    answer, body = ask("POST", f"/backend/empty.php?token={token}", bytes(500_000))
    assert (answer.status, body) == (200, b"")
    answer, body = ask("GET", f"/backend/empty.php?token={token}&r=0.5")
    assert (answer.status, body) == (200, b"")
    answer, body = ask("GET", f"/backend/getIP.php?isp=true&token={token}")
    assert json.loads(body)["processedString"] == "127.0.0.1"
    answer, _ = ask("OPTIONS", f"/backend/empty.php?token={token}")
    assert answer.status == 204
    assert lease.left == {"down": 3_000_000 - (1 << 20), "up": 2_500_000}
    assert lease.connections == 1


@pytest.mark.parametrize("token", ["", "token=", "token=zz", "token=00ff"])
@pytest.mark.parametrize(("method", "name"), [("GET", "garbage.php"), ("POST", "empty.php"), ("OPTIONS", "empty.php")])
def test_without_a_live_token_nothing_moves_and_no_page_of_another_site_may_read(
    ask: Ask, lease: Lease, method: str, name: str, token: str
) -> None:
    answer, body = ask(method, f"/{name}?{token}", b"x" if method == "POST" else None)
    assert (answer.status, body) == (403, b"")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Python" not in answer.headers["Server"]
    assert lease.left == {"down": 3_000_000, "up": 3_000_000}


def test_an_object_is_never_larger_than_what_the_lease_has_left(ask: Ask, lease: Lease) -> None:
    path = f"/garbage.php?ckSize=1024&token={lease.token.hex()}"
    _, body = ask("GET", path)
    assert len(body) == 3_000_000
    assert ask("GET", path)[0].status == 403


def test_an_upload_larger_than_the_lease_is_cut(ask: Ask, lease: Lease) -> None:
    with pytest.raises((OSError, http.client.HTTPException)):
        ask("POST", f"/empty.php?token={lease.token.hex()}", bytes(4_000_000))
    assert lease.left["up"] == 0


def test_a_lease_given_back_lets_nothing_more_through(ask: Ask, leases: Leases, lease: Lease) -> None:
    path = f"/empty.php?token={lease.token.hex()}"
    assert ask("GET", path)[0].status == 200
    leases.release(lease.agent_id, lease.token)
    assert ask("GET", path)[0].status == 403


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/admin.php", {}, 404),
        ("POST", "/garbage.php", {"Content-Length": "0"}, 404),
        ("POST", "/empty.php", {"Content-Length": "-5"}, 404),
        ("POST", "/empty.php", {"Content-Length": "beaucoup"}, 411),
        ("PUT", "/empty.php", {}, 501),
    ],
)
def test_anything_else_is_refused(
    ask: Ask, lease: Lease, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer, _ = ask(method, f"{path}?token={lease.token.hex()}", None, **headers)
    assert answer.status == status


def test_a_paced_download_takes_its_time(ask: Ask, lease: Lease) -> None:
    started = time.perf_counter()
    _, body = ask("GET", f"/garbage.php?ckSize=1&rate=16000000&token={lease.token.hex()}")
    # A busy machine may take longer; never less.
    assert 1.6e6 < 8 * len(body) / (time.perf_counter() - started) < 1.15 * 16e6
