import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
migrate = Migrate()

LOCAL_DATABASE = "postgresql+psycopg://localhost/shop"


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = (
        os.environ.get("SQLALCHEMY_DATABASE_URI")
        or os.environ.get("DATABASE_URL")
        or LOCAL_DATABASE
    )

    from shop import models  # noqa: F401  (the models must be known to db.metadata)

    db.init_app(app)
    migrate.init_app(app, db)
    return app
