"""add tickets.priority

Revision ID: ebfeb6af2025
Revises: 46e9f1040ccb
Create Date: 2026-11-23 07:35:03.512136

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'ebfeb6af2025'
down_revision: Union[str, Sequence[str], None] = '46e9f1040ccb'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column('tickets', sa.Column('priority', sa.Integer(), nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('tickets', 'priority')
