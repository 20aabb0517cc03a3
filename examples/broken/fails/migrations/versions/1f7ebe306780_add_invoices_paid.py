"""add invoices.paid

Revision ID: 1f7ebe306780
Revises: 368fd6794d0a
Create Date: 2026-11-23 07:34:57.865118

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '1f7ebe306780'
down_revision: Union[str, Sequence[str], None] = '368fd6794d0a'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column('invoices', sa.Column('paid', sa.Boolean(), server_default=sa.text('false'), nullable=False))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('invoices', 'paid')
