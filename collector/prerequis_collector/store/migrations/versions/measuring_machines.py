"""On which machine an identity measured the line."""

import sqlalchemy as sa
from alembic import op

revision = "measuring_machines"
down_revision = "copied_identities"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no machine was named with a measurement yet."""
    op.add_column("line_measurements", sa.Column("machine", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("line_measurements") as batch:
        batch.drop_column("machine")
