"""Files that are there whole or not at all, even when the power goes."""

import contextlib
import os
import sys
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Put a file of mode 0600 in place by writing beside it, fsync and rename; its directory is made with mode 0700.

    Raises OSError, and then leaves what was there as it was.
    """
    import tempfile  # with random, several milliseconds that most commands do without

    _make_private(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def _make_private(directory: Path) -> None:
    if directory.is_dir():
        return
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":
        # Where the mode means nothing, and what is below C:\ProgramData can be read by everybody.
        from prerequis_agent.windows.private import restrict

        restrict(directory)


def sync_directory(directory: Path) -> None:
    """Make a rename or removal in a directory survive a power cut; Windows neither offers nor needs it."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
