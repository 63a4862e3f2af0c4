"""Which machine an agent's reports come from, and what is done when several have its identity."""

import sqlalchemy as sa
from alembic import op

revision = "copied_identities"
down_revision = "site_lots"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no agent has said its machine yet."""
    moment = sa.DateTime(timezone=True)
    op.add_column("agents", sa.Column("copy_of", sa.String(), nullable=True))
    op.add_column("agents", sa.Column("machine", sa.String(), nullable=False, server_default=""))
    op.add_column("agents", sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("agents", sa.Column("numbered_at", moment, nullable=True))
    op.add_column("agents", sa.Column("quarantined", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("agents", sa.Column("went_back_at", moment, nullable=True))
    op.create_index("ix_agents_copy_of", "agents", ["copy_of"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_agents_copy_of", "agents")
    with op.batch_alter_table("agents") as batch:
        for column in ("copy_of", "machine", "number", "numbered_at", "quarantined", "went_back_at"):
            batch.drop_column(column)
