"""index orders by customer

Revision ID: 6ac0dc55991a
Revises: 142d42f1a2f9
Create Date: 2026-11-23 07:28:21.609342

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '6ac0dc55991a'
down_revision = '142d42f1a2f9'
branch_labels = None
depends_on = None


def upgrade():
    # The drop clears away the invalid index that an interrupted build leaves behind.
    with op.get_context().autocommit_block():
        op.drop_index(
            'ix_orders_customer_id_placed_at',
            table_name='orders',
            if_exists=True,
            postgresql_concurrently=True,
        )
        op.create_index(
            'ix_orders_customer_id_placed_at',
            'orders',
            ['customer_id', 'placed_at'],
            unique=False,
            postgresql_concurrently=True,
        )


def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index(
            'ix_orders_customer_id_placed_at',
            table_name='orders',
            if_exists=True,
            postgresql_concurrently=True,
        )
