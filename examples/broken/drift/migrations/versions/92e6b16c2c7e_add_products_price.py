"""add products.price

Revision ID: 92e6b16c2c7e
Revises: 95fb654182bb
Create Date: 2026-11-23 07:34:54.388467

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '92e6b16c2c7e'
down_revision: Union[str, Sequence[str], None] = '95fb654182bb'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column('products', sa.Column('price', sa.Numeric(precision=10, scale=2), nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('products', 'price')
