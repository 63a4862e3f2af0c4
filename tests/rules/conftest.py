"""The small pack that the engine is tested with."""

from pathlib import Path

import pytest
from tests.shipped import shipped_pack

from prerequis_rules.load import load_pack
from prerequis_rules.pack import Pack

FIXTURE = Path(__file__).parent / "pack"


@pytest.fixture(scope="session")
def fixture_directory() -> Path:
    return FIXTURE


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack(base=FIXTURE)


@pytest.fixture(scope="session")
def shipped() -> Pack:
    return shipped_pack()
