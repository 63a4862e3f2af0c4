"""What a site settles for itself of what the sources leave open."""

import sqlalchemy as sa
from alembic import op

revision = "site_parameters"
down_revision = "waivers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no site has settled anything yet."""
    op.add_column("sites", sa.Column("parameters", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("sites") as batch:
        batch.drop_column("parameters")
