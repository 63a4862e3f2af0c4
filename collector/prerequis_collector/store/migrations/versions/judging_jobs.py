"""Which collector judges which site; and no index of reports by site, which nothing asks for."""

import sqlalchemy as sa
from alembic import op

revision = "judging_jobs"
down_revision = "services_asked"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, take the index away."""
    op.create_table(
        "judging_jobs",
        sa.Column("finess", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["finess"], ["sites.finess"]),
        sa.PrimaryKeyConstraint("finess"),
    )
    op.drop_index("ix_reports_finess", "reports")


def downgrade() -> None:
    """Bring it back to the form before."""
    op.create_index("ix_reports_finess", "reports", ["finess"])
    op.drop_table("judging_jobs")
