"""What every end-to-end test begins with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.installation import FINESS, Installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A collector that serves, with one site and one operator."""
    made = Installation(tmp_path)
    for arguments in (
        ("init", "--name", "localhost", "--name", "127.0.0.1"),
        (
            "site", "add", FINESS, "--name", "Site d'essai", "--professionals", "3", "--simultaneous-users", "1",
            "--secretariats", "1", "--workstations", "1",
        ),
    ):  # fmt: skip
        done = made.collector(*arguments)
        assert done.returncode == 0, done.stderr
    made.start()
    done = made.collector("operator", "create", "essai", "--role", "dsi", "--out", str(tmp_path / "operator.toml"))
    assert done.returncode == 0, done.stderr
    yield made
    if made.server is not None:
        made.stop()
