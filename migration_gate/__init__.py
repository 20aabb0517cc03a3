"""A CI gate and pre-commit hook for Alembic and Flask-Migrate migrations on PostgreSQL."""

__version__ = "0.1.0"
