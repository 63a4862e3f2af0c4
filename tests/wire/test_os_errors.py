"""What the system says when it refuses, as the three commands tell it."""

import errno
import os
import socket
from pathlib import Path

import pytest

from prerequis.os_errors import why


def test_a_file_that_is_not_there_is_said_to_be_absent(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as refused:
        (tmp_path / "nowhere").read_bytes()
    assert why(refused.value) == "absent"


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError if os.name == "posix" else PermissionError) as refused:
        tmp_path.read_bytes()
    assert why(refused.value) in ("c'est un dossier", "droits insuffisants")


def test_a_port_where_nobody_listens_refuses() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError) as refused:
            socket.create_connection(reserved.getsockname(), timeout=30)
    assert why(refused.value) == "connexion refusée"


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disque plein"),
        (TimeoutError("timed out"), "pas de réponse à temps"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "nom de machine inconnu"),
        (OSError(-2, "Name or service not known (while attempting to bind on address)"), "nom de machine inconnu"),
        (OSError(errno.EXDEV, "Invalid cross-device link"), "Invalid cross-device link"),
        (OSError("cannot read from timed out object"), "cannot read from timed out object"),
        (OSError(), "OSError"),
    ],
)
def test_what_is_rare_keeps_the_words_of_the_system(problem: OSError, said: str) -> None:
    assert why(problem) == said
