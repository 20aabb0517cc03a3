"""add tickets.closed_at

Revision ID: 46e9f1040ccb
Revises: ebfeb6af2025
Create Date: 2026-11-23 07:35:04.037526

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '46e9f1040ccb'
down_revision: Union[str, Sequence[str], None] = 'ebfeb6af2025'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column('tickets', sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('tickets', 'closed_at')
