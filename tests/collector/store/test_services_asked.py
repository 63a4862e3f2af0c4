"""The contract of asking the services of a site, on both kinds of database."""

import pytest
from tests.collector.store.services_contract import ServicesContract

from prerequis_collector.store.database import Database


class TestSqlite(ServicesContract):
    @pytest.fixture
    def database(self, sqlite: Database) -> Database:
        return sqlite


@pytest.mark.xdist_group("postgresql")
class TestPostgresql(ServicesContract):
    @pytest.fixture
    def database(self, postgresql: Database) -> Database:
        return postgresql
