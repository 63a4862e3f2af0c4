"""Which organisation runs a site, and to which one an operator is bounded."""

import sqlalchemy as sa
from alembic import op

revision = "organisations"
down_revision = "audit_trail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was there before belongs to no organisation and is bounded to none."""
    for table in ("sites", "operators"):
        op.add_column(table, sa.Column("organisation", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    """Remove them."""
    for table in ("sites", "operators"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("organisation")
