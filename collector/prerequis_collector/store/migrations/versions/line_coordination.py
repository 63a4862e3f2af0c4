"""Who may load a line, who waits, who could, and what was measured."""

import sqlalchemy as sa
from alembic import op

revision = "line_coordination"
down_revision = "first_schema"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "line_claims",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("measurement", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
    op.create_index("ix_line_claims_measurement", "line_claims", ["measurement"])
    op.create_table(
        "line_turns",
        sa.Column("finess", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"]),
        sa.ForeignKeyConstraint(["finess"], ["sites.finess"]),
        sa.PrimaryKeyConstraint("finess", "agent_id"),
    )
    op.create_table(
        "line_candidates",
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("finess", sa.String(), nullable=False),
        sa.Column("wireless", sa.Boolean(), nullable=True),
        sa.Column("metered", sa.Boolean(), nullable=True),
        sa.Column("seen_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"]),
        sa.ForeignKeyConstraint(["finess"], ["sites.finess"]),
        sa.PrimaryKeyConstraint("agent_id"),
    )
    op.create_index("ix_line_candidates_finess", "line_candidates", ["finess"])
    op.create_table(
        "line_measurements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("finess", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("egress", sa.LargeBinary(), nullable=False),
        sa.Column("gateway", sa.LargeBinary(), nullable=False),
        sa.Column("method", sa.Integer(), nullable=False),
        sa.Column("attended", sa.Boolean(), nullable=False),
        sa.Column("wireless", sa.Boolean(), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("bytes_moved", sa.BigInteger(), nullable=False),
        sa.Column("contention", sa.Boolean(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"]),
        sa.ForeignKeyConstraint(["finess"], ["sites.finess"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_line_measurements_site", "line_measurements", ["finess", "began_at"])
    op.create_index("ix_line_measurements_egress", "line_measurements", ["egress", "began_at"])


def downgrade() -> None:
    """Take the tables away."""
    for table in ("line_measurements", "line_candidates", "line_turns", "line_claims"):
        op.drop_table(table)
