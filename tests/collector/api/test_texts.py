"""Texts that a database cannot keep are the caller's fault, whatever the method."""

import grpc
import pytest
from grpc import aio
from hypothesis import given
from hypothesis import strategies as st
from tests.collector.api.requests import request_of, texts_of
from tests.collector.conftest import Identity, Installation, refusal

from prerequis.v1.facts_pb2 import Facts
from prerequis.v1.report_pb2 import Report
from prerequis_collector.api.access import ROLES
from prerequis_collector.api.texts import check_texts
from prerequis_collector.errors import InvalidInput
from prerequis_collector.services.identify import Role


@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN])
async def test_a_null_character_is_refused_in_every_text_of_every_method(
    installation: Installation, agent: Identity, role: Role
) -> None:
    identity = agent if role is Role.AGENT else installation.operator("admin")
    tried = 0
    async with installation.channel(identity) as channel:
        for method in (method for method, roles in ROLES.items() if role in roles):
            for name in texts_of(request_of(method)):
                request = request_of(method)
                setattr(request, name, "a\0b")
                ask: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
                code, said = await refusal(ask(request.SerializeToString(), timeout=60))
                assert (code, said) == (
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "Un texte de la demande contient un caractère nul : l'ôter.",
                ), method
                tried += 1
    assert tried or role is Role.AGENT


@given(st.text(), st.text())
def test_a_text_inside_a_message_is_looked_at_as_well(hostname: str, name: str) -> None:
    facts = Facts()
    facts.smartcard.readers.add(name=name)
    report = Report(facts=facts)
    report.workstation.hostname = hostname
    try:
        check_texts(report)
    except InvalidInput:
        assert "\0" in hostname + name
    else:
        assert "\0" not in hostname + name
