"""The PostgreSQL server of the store's tests: one for each process that runs tests, started when first asked for."""

from collections.abc import Iterator

import pytest
from tests.collector import postgresql


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgresql.server() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    with postgresql.migrated_template(postgresql_server) as name:
        yield name
