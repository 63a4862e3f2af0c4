"""The file that says who the operator is and where the collector answers."""

import os
import stat
import tomllib
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from pathlib import Path

from prerequis.os_errors import why
from prerequis_tui.errors import WrongInput

VARIABLE = "PREREQUIS_CREDENTIAL"
"""Environment variable that names the file when --credential does not."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What an operator shows to the collector, as `prerequis-collector operator create` wrote it."""

    collector: str
    """host:port"""
    authority: str
    """Certificate of the authority that signs the collector's, PEM."""
    certificate: str
    key: str
    name: str
    role: str
    """technician, dsi, ordering or admin."""
    expires: datetime | None = None
    """None in a file that does not tell."""

    def __repr__(self) -> str:
        """Return a text without the key."""
        return f"Credential({self.name!r}, {self.role!r}, {self.collector!r})"


def find(option: Path | None) -> Credential:
    """Return the credential named by the option, else by the environment; raise WrongInput when there is none."""
    named = option or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is None:
        raise WrongInput(
            f"aucun accès indiqué : ajouter --credential FICHIER ou définir {VARIABLE} "
            "(le fichier vient de l'administrateur : prerequis-collector operator create)."
        )
    return read(named)


def read(path: Path) -> Credential:
    """Return the credential of a file; raise WrongInput when it is missing, open to others or malformed."""
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise WrongInput(f"{path} contient une clé et d'autres comptes peuvent le lire : faire chmod 600 {path}.")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongInput(f"le fichier d'accès {path} ne peut pas être lu ({why(error)}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongInput(f"{path} n'est pas un fichier d'accès Prérequis : demander un nouveau fichier.") from error
    texts = {name: value for name, value in values.items() if isinstance(value, str) and value}
    wanted = [field.name for field in fields(Credential) if field.default is MISSING]
    missing = [name for name in wanted if name not in texts]
    if missing:
        raise WrongInput(f"{path} n'est pas un fichier d'accès complet : il manque {', '.join(missing)}.")
    expires = values.get("expires")
    if not isinstance(expires, datetime) or expires.tzinfo is None:
        expires = None
    return Credential(**{name: texts[name] for name in wanted}, expires=expires)
