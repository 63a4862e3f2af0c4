"""Which machine asks the services of a site, and what it found."""

import sqlalchemy as sa
from alembic import op

revision = "services_asked"
down_revision = "line_coordination"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "elections",
        sa.Column("finess", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("elected_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"]),
        sa.ForeignKeyConstraint(["finess"], ["sites.finess"]),
        sa.PrimaryKeyConstraint("finess"),
    )
    op.create_table(
        "site_services",
        sa.Column("finess", sa.String(), nullable=False),
        sa.Column("observed_at", moment, nullable=False),
        sa.Column("compressed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["finess"], ["sites.finess"]),
        sa.PrimaryKeyConstraint("finess"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("site_services")
    op.drop_table("elections")
