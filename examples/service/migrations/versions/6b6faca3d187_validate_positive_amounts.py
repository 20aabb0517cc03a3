"""validate positive amounts

Revision ID: 6b6faca3d187
Revises: 36df7a47954a
Create Date: 2026-11-23 07:30:03.500973

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '6b6faca3d187'
down_revision: Union[str, Sequence[str], None] = '36df7a47954a'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.execute('ALTER TABLE billing.invoices VALIDATE CONSTRAINT ck_invoices_amount_positive')


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_constraint(op.f('ck_invoices_amount_positive'), 'invoices', schema='billing', type_='check')
    op.create_check_constraint(
        op.f('ck_invoices_amount_positive'),
        'invoices',
        'amount_cents > 0',
        schema='billing',
        postgresql_not_valid=True,
    )
