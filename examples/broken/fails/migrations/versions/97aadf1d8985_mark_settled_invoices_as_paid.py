"""mark settled invoices as paid

Revision ID: 97aadf1d8985
Revises: 1f7ebe306780
Create Date: 2026-11-23 07:34:59.727520

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '97aadf1d8985'
down_revision: Union[str, Sequence[str], None] = '1f7ebe306780'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.execute('UPDATE invoices SET paid = true WHERE settled_at IS NOT NULL')


def downgrade() -> None:
    """Downgrade schema."""
    pass
