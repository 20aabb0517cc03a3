import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
migrate = Migrate()


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get(
        "DATABASE_URL", "postgresql+psycopg://localhost/library"
    )
    app.config["SQLALCHEMY_BINDS"] = {
        "audit": os.environ.get("AUDIT_DATABASE_URL", "postgresql+psycopg://localhost/audit"),
    }

    from library import models  # noqa: F401  (the models must be known to db.metadata)

    db.init_app(app)
    migrate.init_app(app, db)
    return app
