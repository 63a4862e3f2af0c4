"""The small pack that the engine is tested with."""

from pathlib import Path

import pytest
from hypothesis import settings
from tests.rules.shipped import PACK

from prerequis_rules.load import load_pack
from prerequis_rules.pack import Pack

# A busy machine is no fault of the engine.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

FIXTURE = Path(__file__).parent / "pack"


@pytest.fixture(scope="session")
def fixture_directory() -> Path:
    return FIXTURE


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack(base=FIXTURE)


@pytest.fixture(scope="session")
def shipped() -> Pack:
    return PACK
