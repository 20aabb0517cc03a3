"""add accounts.avatar_url

Revision ID: f39f2072e096
Revises: 0b0be2aa602a
Create Date: 2026-11-23 07:35:02.463132

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'f39f2072e096'
down_revision: Union[str, Sequence[str], None] = '0b0be2aa602a'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column('accounts', sa.Column('avatar_url', sa.Text(), nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('accounts', 'avatar_url')
