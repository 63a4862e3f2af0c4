"""What every end-to-end test begins with."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.installation import FINESS, Installation

from prerequis_collector import config
from prerequis_collector.opening import load_rules


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a collector that has one site and never served, the compiled rules in it."""
    made = Installation(tmp_path_factory.mktemp("prepared"))
    for arguments in (
        ("init", "--name", "localhost", "--name", "127.0.0.1"),
        (
            "site", "add", FINESS, "--name", "Site d'essai", "--professionals", "3", "--simultaneous-users", "1",
            "--secretariats", "1", "--workstations", "1",
        ),
    ):  # fmt: skip
        made.prepare(*arguments)
    with (made.data / "collector.toml").open("a", encoding="utf-8") as settings:
        # Network tests stay on loopback.
        settings.write("national_services = false\n")
    load_rules(config.load(made.data))
    return made.data


@pytest.fixture
def installation(prepared: Path, tmp_path: Path) -> Iterator[Installation]:
    """A collector that serves, with one site and one operator."""
    made = Installation(tmp_path)
    shutil.copytree(prepared, made.data)
    try:
        made.start()
        made.prepare("operator", "create", "essai", "--role", "dsi", "--out", str(tmp_path / "operator.toml"))
        yield made
    finally:
        if made.server is not None:
            made.stop()
