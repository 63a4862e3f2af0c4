"""Spreadsheets for the ordering team."""

import os
import tempfile
from pathlib import Path

from prerequis.os_errors import why
from prerequis_tui.errors import WrongInput


def write_file(path: Path, content: bytes, *, replace: bool) -> None:
    """Write the whole file or nothing; raise WrongInput when it may not be replaced or cannot be written."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            _publish(temporary, path, replace=replace)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise WrongInput(f"{path} existe déjà : choisir un autre nom, ou ajouter --force pour le remplacer.") from error
    except OSError as error:
        raise WrongInput(f"{path} ne peut pas être écrit ({why(error)}).") from error


def _publish(temporary: Path, path: Path, *, replace: bool) -> None:
    # mkstemp makes files that only their owner reads; an export is shared as any other document of its writer.
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o666 & ~mask)
    if not replace and path.exists():
        raise FileExistsError(path)
    temporary.replace(path)
