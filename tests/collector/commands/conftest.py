"""What the commands of the collector begin with."""

from pathlib import Path

import pytest
from tests.collector.conftest import SITE

from prerequis_collector import __main__ as program


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return the folder of a collector that was set up and knows one site."""
    data = tmp_path / "collector"
    assert program.main(["--data", str(data), "init", "--name", "localhost"]) == 0
    assert program.main(["--data", str(data), "site", "add", SITE, "--name", "Les Tilleuls"]) == 0
    return data
