"""add accounts.locale

Revision ID: 0abd24d66a7d
Revises: e49f32d9d576
Create Date: 2026-11-23 07:35:01.502955

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '0abd24d66a7d'
down_revision: Union[str, Sequence[str], None] = 'e49f32d9d576'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column('accounts', sa.Column('locale', sa.String(length=10), nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('accounts', 'locale')
