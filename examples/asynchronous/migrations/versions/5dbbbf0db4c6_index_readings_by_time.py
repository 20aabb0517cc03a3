"""index readings by time

Revision ID: 5dbbbf0db4c6
Revises: 8536dbdab1d0
Create Date: 2026-11-23 07:32:02.671051

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '5dbbbf0db4c6'
down_revision: Union[str, Sequence[str], None] = '8536dbdab1d0'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    # The drop clears away the invalid index that an interrupted build leaves behind.
    with op.get_context().autocommit_block():
        op.drop_index(
            'ix_readings_taken_at',
            table_name='readings',
            if_exists=True,
            postgresql_concurrently=True,
        )
        op.create_index(
            'ix_readings_taken_at',
            'readings',
            ['taken_at'],
            unique=False,
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    """Downgrade schema."""
    with op.get_context().autocommit_block():
        op.drop_index(
            'ix_readings_taken_at',
            table_name='readings',
            if_exists=True,
            postgresql_concurrently=True,
        )
