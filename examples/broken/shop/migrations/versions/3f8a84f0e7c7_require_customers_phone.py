"""require customers.phone

Revision ID: 3f8a84f0e7c7
Revises: 175ed9ff260f
Create Date: 2026-11-23 07:34:50.626478

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '3f8a84f0e7c7'
down_revision: Union[str, Sequence[str], None] = '175ed9ff260f'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.alter_column('customers', 'phone',
               existing_type=sa.VARCHAR(length=20),
               nullable=False)


def downgrade() -> None:
    """Downgrade schema."""
    op.alter_column('customers', 'phone',
               existing_type=sa.VARCHAR(length=20),
               nullable=True)
