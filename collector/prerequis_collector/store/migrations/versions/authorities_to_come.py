"""By which authorities the collector will be known, and by which each machine knows it."""

import sqlalchemy as sa
from alembic import op

revision = "authorities_to_come"
down_revision = "measuring_machines"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column; no machine has said what it trusts yet."""
    op.create_table(
        "coming_authorities",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.add_column("agents", sa.Column("trusts", sa.LargeBinary(), nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    """Remove them."""
    with op.batch_alter_table("agents") as batch:
        batch.drop_column("trusts")
    op.drop_table("coming_authorities")
