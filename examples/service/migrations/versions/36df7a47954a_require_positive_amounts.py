"""require positive amounts

Revision ID: 36df7a47954a
Revises: 83b77c2be9a9
Create Date: 2026-11-23 07:30:02.212216

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '36df7a47954a'
down_revision: Union[str, Sequence[str], None] = '83b77c2be9a9'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_check_constraint(
        op.f('ck_invoices_amount_positive'),
        'invoices',
        'amount_cents > 0',
        schema='billing',
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_constraint(op.f('ck_invoices_amount_positive'), 'invoices', schema='billing', type_='check')
