"""require orders.total

Revision ID: 9bb0f9fbf117
Revises: 6ac0dc55991a
Create Date: 2026-11-23 07:28:23.484890

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '9bb0f9fbf117'
down_revision = '6ac0dc55991a'
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""
        UPDATE orders
        SET total = (
            SELECT COALESCE(SUM(quantity * unit_price), 0)
            FROM order_lines
            WHERE order_lines.order_id = orders.id
        )
        WHERE total IS NULL
    """)
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.alter_column('total',
               existing_type=sa.NUMERIC(precision=10, scale=2),
               nullable=False)


def downgrade():
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.alter_column('total',
               existing_type=sa.NUMERIC(precision=10, scale=2),
               nullable=True)
