"""Handing reports in on a USB key, and enrolling by the same way where there is no network at all.

A bundle is sealed to the collector; whoever finds the key learns nothing. What it carries stays in the spool until the
collector's answer is brought back, so that a lost key loses nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from google.protobuf.message import DecodeError

from prerequis.os_errors import why
from prerequis.sealing import MOST_BYTES, NotSealed, seal
from prerequis.v1.bundle_pb2 import Bundle, BundleAnswer, SignedBundleAnswer
from prerequis.v1.enrolment_pb2 import EnrolRequest
from prerequis_agent.config import Enrolment, State
from prerequis_agent.delivery import Delivery, take_receipt
from prerequis_agent.errors import ConfigurationError
from prerequis_agent.offline import finish, pending
from prerequis_agent.spool import Spool

_MOST_REPORT_BYTES = MOST_BYTES // 4
"""What one bundle carries; the next one takes the rest."""

_MOST_ANSWER_BYTES = 8 * 1024 * 1024

_NO_RECIPIENT = (
    "Le collecteur n'a pas encore donné à ce poste de quoi chiffrer un paquet : lancer « prerequis-agent send » près "
    "du réseau, ou demander un nouveau ticket."
)
_NOT_AN_ANSWER = "n'est pas une réponse de ce collecteur, ou il est abîmé : refaire « bundle import » au collecteur."


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into a bundle."""

    reports: int
    left: int
    """Reports that did not fit; they wait for the next bundle."""
    asks_to_enrol: bool


def export(state: State, spool: Spool, path: Path) -> Exported:
    """Write a bundle of the oldest reports that wait, and of the request to enrol where there is one.

    Raises ConfigurationError when there is nobody to seal it to, or it cannot be written.
    """
    asking, recipient = pending(state), _recipient(state)
    bundle, size, waiting = Bundle(), 0, list(spool)
    for one in waiting:
        size += one.signed.ByteSize()
        if bundle.reports and size > _MOST_REPORT_BYTES:
            break
        bundle.reports.append(one.signed)
    if asking is not None:
        bundle.enrolment.CopyFrom(EnrolRequest(ticket=asking.ticket.secret, csr=asking.request))
    try:
        path.write_bytes(seal(bundle.SerializeToString(), recipient))
    except NotSealed:
        raise ConfigurationError(_NO_RECIPIENT) from None
    except OSError as problem:
        raise ConfigurationError(f"{path} ne s'écrit pas ({why(problem)}).") from None
    return Exported(len(bundle.reports), len(waiting) - len(bundle.reports), asking is not None)


def read_answer(path: Path, authority: bytes) -> BundleAnswer:
    """Return what the collector of this authority answered; raises ConfigurationError when the file is anything else.

    Whether its certificate has ended is not looked at: a key may travel for long, and receipts stay true.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_ANSWER_BYTES + 1)
    except OSError as problem:
        raise ConfigurationError(f"{path} ne se lit pas ({why(problem)}).") from None
    try:
        if len(content) > _MOST_ANSWER_BYTES:
            raise ValueError("too large")
        signed = SignedBundleAnswer.FromString(content)
        _verify(signed, authority)
        return BundleAnswer.FromString(signed.answer)
    except (DecodeError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        raise ConfigurationError(f"{path} {_NOT_AN_ANSWER}") from None


def take_answer(state: State, spool: Spool, path: Path) -> tuple[Enrolment | None, Delivery]:
    """Enrol when the answer to this machine's request is there, and let go of the reports that the collector keeps.

    Raises ConfigurationError when the file is no answer of this machine's collector, Refused when it is another's.
    """
    asking = pending(state)
    authority = asking.ticket.authority.encode() if asking is not None else state.authority_pem()
    answer = read_answer(path, authority)
    enrolled = None
    if asking is not None and answer.HasField("enrolment"):
        enrolled = finish(state, asking, answer.enrolment)
        spool.certify(answer.enrolment.chain[0])
    waiting = {one.digest: one for one in spool}
    kept, refusals = 0, list[str]()
    for receipt in answer.receipts:
        report = waiting.pop(receipt.digest, None)
        taken = take_receipt(state, spool, report, receipt) if report is not None else None
        if taken:
            kept += 1
        elif taken is False:
            refusals.append(receipt.reason)
    return enrolled, Delivery(kept, tuple(refusals))


def _recipient(state: State) -> str:
    try:
        return state.recipient.read_text().strip()
    except FileNotFoundError:
        if not state.is_enrolled and not state.request.exists():
            raise ConfigurationError(
                "Ce poste n'est pas enrôlé : lancer « prerequis-agent bundle export FICHIER --ticket FICHIER »."
            ) from None
        raise ConfigurationError(_NO_RECIPIENT) from None
    except OSError as problem:
        raise ConfigurationError(f"{state.recipient} ne se lit pas ({why(problem)}).") from None


def _verify(signed: SignedBundleAnswer, authority: bytes) -> None:
    """Return when the answer was signed for a server of this authority; raises what the library raises."""
    certificate = x509.load_der_x509_certificate(signed.certificate)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    key = certificate.public_key()
    if ExtendedKeyUsageOID.SERVER_AUTH not in usage or not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("not a server's certificate")
    key.verify(signed.signature, signed.answer, ec.ECDSA(hashes.SHA256()))
