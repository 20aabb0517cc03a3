"""add accounts.timezone

Revision ID: c6a75f9024ce
Revises: 0abd24d66a7d
Create Date: 2026-11-23 07:35:01.973891

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'c6a75f9024ce'
down_revision: Union[str, Sequence[str], None] = '0abd24d66a7d'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
<<<<<<< HEAD
    op.add_column('accounts', sa.Column('timezone', sa.String(length=40), nullable=True))
=======
    op.add_column('accounts', sa.Column('timezone', sa.String(length=64), nullable=True))
>>>>>>> feature/timezones


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('accounts', 'timezone')
