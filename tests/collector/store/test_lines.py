"""The contracts of coordinating lines, on both kinds of database."""

import pytest
from tests.collector.store.line_contract import LineContract
from tests.collector.store.line_turns_contract import LineTurnsContract

from prerequis_collector.store.database import Database


class TestSqlite(LineContract, LineTurnsContract):
    @pytest.fixture
    def database(self, sqlite: Database) -> Database:
        return sqlite


@pytest.mark.xdist_group("postgresql")
class TestPostgresql(LineContract, LineTurnsContract):
    STORM = 20

    @pytest.fixture
    def database(self, postgresql: Database) -> Database:
        return postgresql
