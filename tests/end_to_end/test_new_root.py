"""An organisation changes the root that signs for its collector: machines follow, nobody visits them."""

import json
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from tests.collector.commands.signer import Signer
from tests.end_to_end.installation import Installation

from prerequis.command_line import ExitCode


def test_machines_follow_their_collector_under_a_new_root_and_a_person_is_told_what_to_renew(
    installation: Installation, tmp_path: Path
) -> None:
    installation.enrol()
    root = Signer.root()
    (tmp_path / "root.pem").write_bytes(root.pem())
    request = tmp_path / "request.pem"
    for arguments in (["announce", str(tmp_path / "root.pem")], ["request", "--out", str(request)]):
        installation.prepare("certificate", *arguments)
    key = x509.load_pem_x509_csr(request.read_bytes()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    names = x509.load_pem_x509_csr(request.read_bytes()).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    (tmp_path / "signed.pem").write_bytes(root.server(key, *names.value.get_values_for_type(x509.DNSName)))
    early = installation.collector("certificate", "install", str(tmp_path / "signed.pem"))
    assert (early.returncode, "collecteur : 1." in early.stderr) == (ExitCode.WRONG_INPUT, True)

    for _ in range(5):  # a busy machine may not be given its plan in the seconds that a scan waits for it
        assert installation.agent("run", "--now", "--no-line").returncode == ExitCode.DONE
        if "toutes : 0." in (listed := installation.collector("certificate", "authorities").stdout):
            break
    assert "toutes : 0." in listed
    installed = installation.collector("certificate", "install", str(tmp_path / "signed.pem"))
    assert installed.returncode == ExitCode.DONE, installed.stderr
    after = installation.agent("run", "--now", "--no-line")
    assert after.returncode == ExitCode.DONE, after.stderr
    assert json.loads(installation.collector("status", "--json").stdout)["serving"] is True

    before = installation.run("prerequis", "sites")
    assert before.returncode == ExitCode.UNREACHABLE
    assert "ne présente pas le certificat du collecteur attendu" in before.stderr
