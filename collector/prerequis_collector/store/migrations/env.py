"""What Alembic runs: migrations over the connection that prerequis_collector.store.migrate gives it."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString

from prerequis_collector.store.columns import Instant
from prerequis_collector.store.schema import metadata


def render(kind: str, item: object, _autogenerate: AutogenContext) -> str | Literal[False]:
    """Return how a migration writes our own column types: it must not change when they do."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String({item.length or ''})"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    render_as_batch=True,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
