"""Deviations that are accepted for a time."""

import sqlalchemy as sa
from alembic import op

revision = "waivers"
down_revision = "offline_enrolments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "waivers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("finess", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("proposed_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("approver", sa.String(), nullable=True),
        sa.Column("approved_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"]),
        sa.ForeignKeyConstraint(["finess"], ["sites.finess"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_waivers_finess", "waivers", ["finess"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("waivers")
