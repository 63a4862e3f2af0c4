"""A collector that does not know what this agent asks is named as what it is: too old."""

import asyncio

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.agent.conftest import Authority

from prerequis.v1.measurement_pb2 import AcquireLeaseRequest
from prerequis_agent.errors import Refused
from prerequis_agent.identity import new_key
from prerequis_agent.uplink import Uplink


async def test_a_collector_without_the_service_is_said_to_need_an_update(authority: Authority) -> None:
    key = new_key()
    certificate = authority.sign(key.public_key(), [x509.DNSName("localhost")])
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pair = key.private_bytes(encoding, form, serialization.NoEncryption()), certificate.public_bytes(encoding)
    server = grpc.aio.server()
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    async with Uplink(f"localhost:{port}", authority.pem, answer_seconds=60) as uplink, asyncio.timeout(120):
        with pytest.raises(Refused) as told:
            await uplink.acquire_lease(AcquireLeaseRequest())
    await server.stop(None)
    assert str(told.value) == (
        f"Le collecteur localhost:{port} est plus ancien que cet agent et ne connaît pas cette demande : demander à "
        "l'administrateur de le mettre à jour."
    )
