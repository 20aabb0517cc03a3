"""add accounts.nickname

Revision ID: a825613ceaa8
Revises: e49f32d9d576
Create Date: 2026-11-23 07:35:01.003963

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'a825613ceaa8'
down_revision: Union[str, Sequence[str], None] = 'e49f32d9d576'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column('accounts', sa.Column('nickname', sa.String(length=40), nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('accounts', 'nickname')
