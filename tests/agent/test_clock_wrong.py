"""A clock that is wrong by years is told as such, not as a broken certificate."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.agent.conftest import Authority, agent_name

from prerequis.v1.measurement_pb2 import GetPlanRequest
from prerequis_agent import identity
from prerequis_agent.config import State
from prerequis_agent.enrolment import current_identity
from prerequis_agent.errors import CollectorUnreachable, ConfigurationError
from prerequis_agent.identity import new_key
from prerequis_agent.uplink import Uplink


@pytest.mark.parametrize(
    ("days", "told"),
    [(-400, "son certificat date du"), (4000, "la régler si elle est fausse, sinon enrôler ce poste")],
)
def test_the_clock_of_a_machine_is_suspected_before_its_certificate(identity_file: Path, days: int, told: str) -> None:
    state = State(identity_file.parent)
    identity_file.replace(state.identity)
    now = datetime.now(UTC)
    assert current_identity(state, now).expires > now
    with pytest.raises(ConfigurationError, match="horloge") as refused:
        current_identity(state, now + timedelta(days=days))
    assert told in str(refused.value)


def test_the_clock_of_a_collector_slow_by_hours_is_no_fault(identity_file: Path) -> None:
    state = State(identity_file.parent)
    identity_file.replace(state.identity)
    begun = identity.load(state.identity).certificate.not_valid_before_utc
    assert current_identity(state, begun - timedelta(hours=20)).agent_id


@pytest.mark.parametrize("life", [(-500, -100), (100, 500)])
async def test_a_collector_whose_certificate_is_of_another_time_makes_one_look_at_the_clock(
    authority: Authority, life: tuple[int, int]
) -> None:
    key = new_key()
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    certificate = authority.sign(key.public_key(), names, *(timedelta(days=days) for days in life))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pair = key.private_bytes(encoding, form, serialization.NoEncryption()), certificate.public_bytes(encoding)
    server = grpc.aio.server()
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    async with Uplink(f"localhost:{port}", authority.pem) as uplink, asyncio.timeout(20):
        with pytest.raises(CollectorUnreachable, match="régler l'horloge si elle est fausse") as told:
            await uplink.plan(GetPlanRequest())
    await server.stop(None)
    assert f"{datetime.now(UTC):%d/%m/%Y}" in str(told.value)


@pytest.mark.parametrize(("life", "ours"), [((-100, -10), True), ((10, 100), True), ((-1, 89), False)])
async def test_a_machine_whose_certificate_the_collector_does_not_take_is_told_what_to_do(
    authority: Authority, life: tuple[int, int], ours: bool
) -> None:
    key, signer = new_key(), authority if ours else Authority.create("Autre autorité")
    begins, ends = (timedelta(days=days) for days in life)
    known = identity.Identity(key, (signer.sign(key.public_key(), agent_name("essai"), begins, ends),))
    pair = grpc.ssl_server_credentials([authority.server_pem("localhost")], authority.pem, require_client_auth=True)
    server = grpc.aio.server()
    port = server.add_secure_port("localhost:0", pair)
    await server.start()
    try:
        async with Uplink(f"localhost:{port}", authority.pem, known) as uplink, asyncio.timeout(60):
            with pytest.raises(CollectorUnreachable, match="n'accepte pas le certificat") as told:
                await uplink.plan(GetPlanRequest())
    finally:
        await server.stop(None)
    assert "enrôler ce poste avec un nouveau ticket" in str(told.value)
    assert re.search(r"le [0-9]{2}/[0-9]{2}/[0-9]{4} à [0-9]{2}:[0-9]{2} UTC", str(told.value))
