"""In which lot of a programme a site is, and how many records are active there."""

import sqlalchemy as sa
from alembic import op

revision = "site_lots"
down_revision = "site_parameters"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no site is in a lot yet."""
    op.add_column("sites", sa.Column("lot", sa.String(), nullable=False, server_default=""))
    op.add_column("sites", sa.Column("active_records", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Remove them."""
    with op.batch_alter_table("sites") as batch:
        batch.drop_column("lot")
        batch.drop_column("active_records")
