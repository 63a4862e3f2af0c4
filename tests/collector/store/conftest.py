"""A PostgreSQL database in its newest form, to copy for each test."""

from collections.abc import Iterator

import pytest
from tests.collector import postgresql


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    with postgresql.migrated_template(postgresql_server) as name:
        yield name
