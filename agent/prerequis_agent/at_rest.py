"""How the machine's key lies on its disk.

On POSIX it lies in clear, in a file that only the agent's account reads. On Windows it is encrypted (PKCS#8) under a
random passphrase that lies beside it, protected by DPAPI: a copy of the file opens nowhere else. `ssl` reads both.
"""

import base64
import re
import secrets
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

_KEY = re.compile(rb"-----BEGIN ((?:ENCRYPTED )?)PRIVATE KEY-----\n.*?-----END \1PRIVATE KEY-----\n", re.DOTALL)
_SEAL = re.compile(rb"-----BEGIN PREREQUIS PASSPHRASE-----\n(.*?)-----END PREREQUIS PASSPHRASE-----\n", re.DOTALL)


def written(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the PEM in which a key may lie on this system's disk; raises OSError when it cannot be protected."""
    if sys.platform != "win32":
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())
    from prerequis_agent.windows import dpapi

    word = secrets.token_hex(32).encode()
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.BestAvailableEncryption(word))
    sealed = base64.b64encode(dpapi.protect(word))
    lines = [sealed[at : at + 64] for at in range(0, len(sealed), 64)]
    return b"\n".join(
        [encrypted + b"-----BEGIN PREREQUIS PASSPHRASE-----", *lines, b"-----END PREREQUIS PASSPHRASE-----\n"]
    )


def read(content: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the key of such a PEM, whatever lies around it; raises ValueError."""
    found = _KEY.search(content)
    if not found:
        raise ValueError("pas de clé")
    key = serialization.load_pem_private_key(found[0], passphrase(content) if found[1] else None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("clé d'un autre type")
    return key


def passphrase(content: bytes) -> bytes:
    """Return what opens the encrypted key of such a PEM; raises ValueError where this machine cannot say it."""
    seal = _SEAL.search(content)
    if not seal:
        raise ValueError("clé chiffrée sans de quoi l'ouvrir")
    if sys.platform == "win32":
        from prerequis_agent.windows import dpapi

        try:
            return dpapi.unprotect(base64.b64decode(seal[1]))
        except OSError:
            pass
    raise ValueError("la clé ne s'ouvre que sur le poste qui l'a faite")


def is_protected(content: bytes) -> bool:
    """Return whether a PEM already has the form that `written` gives on this system."""
    return sys.platform != "win32" or _SEAL.search(content) is not None
