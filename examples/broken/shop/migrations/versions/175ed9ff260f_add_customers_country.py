"""add customers.country

Revision ID: 175ed9ff260f
Revises: 6eef5ff5ef32
Create Date: 2026-11-23 07:34:48.884819

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '175ed9ff260f'
down_revision: Union[str, Sequence[str], None] = '6eef5ff5ef32'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column('customers', sa.Column('country', sa.String(length=2), nullable=False))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('customers', 'country')
