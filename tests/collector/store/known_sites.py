"""The sites that the contracts of the store begin with."""

from datetime import UTC, datetime

import pytest

from prerequis_collector.store.database import Database
from prerequis_collector.store.sites import SiteRow, Sites

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SITE = "330000019"
OTHER = "330000027"


class KnownSites:
    @pytest.fixture
    def sites(self, database: Database) -> None:
        with database.write() as transaction:
            Sites(transaction).save(SiteRow(finess=SITE, name="Les Tilleuls"))
            Sites(transaction).save(SiteRow(finess=OTHER, name="Le Verger", workstations=4))
