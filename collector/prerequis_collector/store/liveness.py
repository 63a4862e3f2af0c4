"""Whether the database answers."""

from sqlmodel import col, select

from prerequis_collector.store.database import Transaction
from prerequis_collector.store.sites import SiteRow


def ask(transaction: Transaction) -> None:
    """Have the database read one row of its own; raises what the transaction raises when it cannot."""
    transaction.exec(select(col(SiteRow.finess)).limit(1)).first()
