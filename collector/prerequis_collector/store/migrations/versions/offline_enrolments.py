"""What was answered to machines that enrolled by a bundle."""

import sqlalchemy as sa
from alembic import op

revision = "offline_enrolments"
down_revision = "organisations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "offline_enrolments",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"]),
        sa.PrimaryKeyConstraint("request"),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("offline_enrolments")
