"""Enrolling without a network: the request leaves in a bundle, and the certificate comes back in its answer.

Until then the machine signs its reports with the key of its request; the collector takes them once it has enrolled it.
"""

import json
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from prerequis.os_errors import why
from prerequis.v1.enrolment_pb2 import EnrolResponse
from prerequis_agent import at_rest, identity
from prerequis_agent.config import Enrolment, State, Ticket, parse_ticket, read_ticket_text
from prerequis_agent.durable import write
from prerequis_agent.enrolment import keep_enrolment, require_valid, require_writable, writing
from prerequis_agent.errors import ConfigurationError, Refused


@dataclass(frozen=True, slots=True)
class Pending:
    """A machine that waits for the answer to its request."""

    key: ec.EllipticCurvePrivateKey
    request: bytes
    """PKCS#10, DER; always the same bytes, by which the collector knows it again."""
    ticket: Ticket
    role: str

    def sign(self, content: bytes) -> bytes:
        """Return the ECDSA signature with SHA-256, DER."""
        return self.key.sign(content, ec.ECDSA(hashes.SHA256()))

    def certificate_der(self) -> bytes:
        """Return nothing: there is no certificate yet."""
        return b""


def ask(state: State, path: Path, role: str, now: datetime) -> Pending:
    """Keep the request of this machine for the site of the ticket in that file, and return it.

    The request stays the same for the same ticket. Raises ConfigurationError when the ticket cannot be used, or the
    request not be written.
    """
    text = read_ticket_text(path)
    ticket = parse_ticket(text, str(path))
    require_valid(ticket, now)
    if not ticket.recipient:
        raise ConfigurationError(f"{path} ne permet pas d'enrôler sans réseau : demander un nouveau ticket.")
    before = pending(state)
    if before is not None and (before.ticket, before.role) == (ticket, role):
        return before
    require_writable(state)
    key = identity.new_key()
    request = x509.load_der_x509_csr(identity.request(key))
    values = {
        "role": role,
        "ticket": text,
        "request": request.public_bytes(Encoding.PEM).decode(),
        "key": at_rest.written(key).decode(),
    }
    # A JSON string of valid text is also a TOML basic string.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()]
    with writing(state):
        write(state.recipient, f"{ticket.recipient}\n".encode())
        write(state.request, "".join(lines).encode())
    return Pending(key, request.public_bytes(Encoding.DER), ticket, role)


def pending(state: State) -> Pending | None:
    """Return the request of this machine that waits for its answer, or None; raises ConfigurationError."""
    try:
        written = tomllib.loads(state.request.read_text())
        request = x509.load_pem_x509_csr(str(written["request"]).encode())
        key = at_rest.read(str(written["key"]).encode())
        ticket = parse_ticket(str(written["ticket"]), str(state.request))
        return Pending(key, request.public_bytes(Encoding.DER), ticket, str(written["role"]))
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise ConfigurationError(f"{state.request} ne se lit pas ({why(problem)}).") from None
    except (KeyError, ValueError) as problem:
        raise ConfigurationError(
            f"La demande d'enrôlement {state.request} est abîmée ({problem}) : l'effacer et recommencer."
        ) from None


def finish(state: State, asking: Pending, answer: EnrolResponse) -> Enrolment:
    """Keep what the collector answered to the request; raises Refused when that is not for this machine's key."""
    try:
        given = identity.from_chain(asking.key, tuple(answer.chain))
    except ValueError as problem:
        raise Refused(f"Cette réponse n'est pas celle de ce poste ({problem}).") from None
    enrolment = Enrolment(asking.ticket.collector, answer.finess, answer.site_name, asking.role)
    keep_enrolment(state, asking.ticket, given, enrolment)
    return enrolment
