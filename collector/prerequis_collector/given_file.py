"""Files that a command is given by whoever runs it."""

from pathlib import Path

from prerequis.os_errors import why
from prerequis_collector.errors import InvalidInput


def content_of(path: Path, most: int) -> bytes:
    """Return what the file holds, or one byte more than the most that it may; raises InvalidInput."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise InvalidInput(f"{path} ne se lit pas : {why(error)}.") from error
