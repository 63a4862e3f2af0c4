"""An authority made elsewhere: what it signs is trusted as what ours signs, and what cannot serve is told at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from tests.collector.conftest import ANYWHERE, SITE, Installation

from prerequis.command_line import ExitCode
from prerequis.v1.measurement_pb2 import GetPlanRequest
from prerequis.v1.measurement_pb2_grpc import MeasurementServiceStub
from prerequis_collector import __main__ as program
from prerequis_collector import config
from prerequis_collector.config import Listening
from prerequis_collector.opening import load_authority, opened_database
from prerequis_collector.services.authority import Authority
from prerequis_collector.serving import serving
from prerequis_rules.pack import Pack

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_NOW = datetime.now(UTC)
_NOT_SIGNING = x509.KeyUsage(
    digital_signature=True, key_cert_sign=False, crl_sign=False, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
)  # fmt: skip
_SIGNING = x509.KeyUsage(
    digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
)  # fmt: skip


def _made(
    folder: Path, key: Key, signer: Key, *, usage: x509.KeyUsage = _SIGNING, ends: datetime = _NOW + timedelta(days=900)
) -> tuple[str, str]:
    """Return the files of an authority with an identifier of its own making, as other programs give theirs."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Autorité de l'organisme")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(_NOW - timedelta(days=1000)).not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier(b"0123456789"), critical=False)
        .sign(signer, hashes.SHA256())
    )  # fmt: skip
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "ca.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "ca.key").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    return str(folder / "ca.pem"), str(folder / "ca.key")


async def test_agents_and_the_collector_trust_one_another_by_the_authority_of_the_organisation(
    tmp_path: Path, pack: Pack
) -> None:
    key, data = ec.generate_private_key(ec.SECP256R1()), tmp_path / "collector"
    certificate, secret = _made(tmp_path, key, key)
    assert program.main(["--data", str(data), "init", "--ca-cert", certificate, "--ca-key", secret]) == 0
    assert program.main(["--data", str(data), "site", "add", SITE, "--name", "Les Tilleuls"]) == 0
    known = config.load(data)
    assert load_authority(known).certificate_pem() == Path(certificate).read_bytes()
    with opened_database(known) as database:
        async with serving(known, database, pack, Listening(ANYWHERE, ANYWHERE, ANYWHERE)) as collector:
            collector.reached_at = collector.reached_at.under("localhost")
            installation = Installation(data, collector.authority.certificate_pem(), collector)
            agent = await installation.enrol(installation.ticket())
            async with installation.channel(agent) as channel:
                assert (await MeasurementServiceStub(channel).GetPlan(GetPlanRequest())).bundle_recipient


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("signed by another", "jusqu'à la racine"),
        ("no authority", "n'est pas celui d'une autorité"),
        ("ended", "régler l'horloge si elle est fausse"),
        ("of RSA", "n'est pas une clé ECDSA"),
        ("key of another", "La clé n'est pas celle du certificat"),
        ("garbage", "illisible"),
        ("absent", "ne se lit pas"),
        ("half", "Donner ensemble"),
    ],
)
def test_an_authority_that_cannot_serve_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, told: str
) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    match kind:
        case "signed by another":
            files = _made(tmp_path, key, other)
        case "no authority":
            files = _made(tmp_path, key, key, usage=_NOT_SIGNING)
        case "ended":
            files = _made(tmp_path, key, key, ends=_NOW - timedelta(days=1))
        case "of RSA":
            numbers = rsa.generate_private_key(65537, 2048)
            files = _made(tmp_path, numbers, numbers)
        case _:
            files = _made(tmp_path, key, key)
    if kind == "key of another":
        form = serialization.PrivateFormat.PKCS8
        pem = other.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        Path(files[1]).write_bytes(pem)
    elif kind == "garbage":
        Path(files[0]).write_bytes(b"garbage")
    elif kind == "absent":
        Path(files[0]).unlink()
    arguments = ["init", "--ca-cert", files[0], *([] if kind == "half" else ["--ca-key", files[1]])]
    assert program.main(["--data", str(tmp_path / "collector"), *arguments]) == ExitCode.WRONG_INPUT
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not (tmp_path / "collector").exists()


@pytest.mark.parametrize("years", [-3, 11])
def test_a_clock_that_is_wrong_by_years_is_told_before_anything_is_done(years: int) -> None:
    authority = Authority.create(_NOW)
    with pytest.raises(Exception, match="régler l'horloge si elle est fausse"):
        authority.check_clock(_NOW + timedelta(days=365 * years))
    authority.check_clock(_NOW)
