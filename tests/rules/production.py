"""The production that examples and tests migrate: its schema, its rows, and the application that runs on it."""

from __future__ import annotations

# What an application's own history has built. Examples of the rules' pages run on it as they are written.
SCHEMA = """
CREATE TYPE order_status AS ENUM ('new', 'paid');

CREATE TABLE users (
    id serial PRIMARY KEY,
    name text NOT NULL,
    email text,
    bio text,
    age integer,
    nickname varchar(50),
    balance numeric(10, 2),
    created_at timestamp
);
CREATE INDEX ix_users_name ON users (name);

CREATE TABLE groups (id serial PRIMARY KEY, name varchar(50));
CREATE TABLE memberships (id serial PRIMARY KEY, user_id integer, group_id integer);

CREATE TABLE orders (
    id serial PRIMARY KEY,
    user_id integer,
    status order_status NOT NULL DEFAULT 'new',
    total numeric(10, 2),
    note varchar(200),
    created_at timestamp,
    CONSTRAINT orders_total_positive CHECK (total >= 0),
    CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users
);
CREATE INDEX ix_orders_user_id ON orders (user_id);

CREATE TABLE events (id bigint, day date, payload text) PARTITION BY RANGE (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 (id bigint, day date, payload text);

CREATE MATERIALIZED VIEW order_totals AS SELECT user_id, sum(total) AS total FROM orders GROUP BY user_id;
CREATE UNIQUE INDEX order_totals_user_id ON order_totals (user_id);

CREATE SCHEMA crm;
CREATE TABLE crm.users (id serial PRIMARY KEY, name text NOT NULL, email text);
CREATE TABLE "order" (id serial PRIMARY KEY, email text);
CREATE TABLE "Users" (id serial PRIMARY KEY, email text);
"""

# Values as large as their columns take, for a narrower type to stumble over, and emails that are NULL.
ROWS = """
INSERT INTO users (id, name, email, bio, age, nickname, balance, created_at) VALUES
    (1, 'Ana', NULL, '', 30, 'ana', 1, '2024-01-01'),
    (2, 'Bo', 'bo@example.org', 'short', 42, 'bo', 10, '2024-05-06 07:08:09.123456'),
    (3, repeat('n', 2000), repeat('e', 2000), repeat('b', 2000), 2000000000, repeat('n', 50), 99999999.99, now());
INSERT INTO groups (id, name) VALUES (1, 'staff'), (2, repeat('g', 50));
INSERT INTO memberships (id, user_id, group_id) VALUES (1, 1, 1), (2, 2, 1), (3, 3, 2);
INSERT INTO orders (id, user_id, status, total, note, created_at) VALUES
    (1, 1, 'new', 12.34, 'leave it at the door', '2024-05-06 07:08:09.123456'),
    (2, 2, 'paid', 99999999.99, repeat('n', 200), now()),
    (3, 1, 'paid', 1, '', '2024-01-01');
INSERT INTO events VALUES (1, '2024-02-03', 'login'), (2, '2024-03-04', 'logout');
INSERT INTO events_2025 VALUES (3, '2025-02-03', 'login'), (4, '2025-03-04', 'logout');
INSERT INTO crm.users (id, name, email) VALUES (1, 'Ana', NULL), (2, 'Bo', 'bo@example.org');
INSERT INTO "order" (id, email) VALUES (1, NULL);
INSERT INTO "Users" (id, email) VALUES (1, NULL);
SELECT setval(seqrelid::regclass, 100) FROM pg_sequence;
REFRESH MATERIALIZED VIEW order_totals;
"""

# The application that serves while the migration runs, and for a while after it: what it reads and writes.
READS = (
    "SELECT id, name, email, bio, age, nickname, balance, created_at FROM users",
    "SELECT id, name FROM groups",
    "SELECT id, user_id, group_id FROM memberships",
    "SELECT id, user_id, status, total, note, created_at FROM orders",
    "SELECT id, day, payload FROM events",
    "SELECT user_id, total FROM order_totals",
    "SELECT id, name, email FROM crm.users",
    'SELECT id, email FROM "order"',
    'SELECT id, email FROM "Users"',
)
WRITES = (
    "INSERT INTO users (name) VALUES ('Cy')",
    "INSERT INTO groups (name) VALUES ('new')",
    "INSERT INTO memberships (user_id, group_id) VALUES (1, 1)",
    "INSERT INTO orders (user_id, status) VALUES (1, 'new')",
    "INSERT INTO orders (user_id, status) VALUES (1, 'paid')",
    "INSERT INTO events (id, day) VALUES (5, '2024-04-05')",
    "INSERT INTO crm.users (name) VALUES ('Cy')",
)
# What production's keys refuse.
KEPT_OUT = (
    "INSERT INTO orders (user_id) VALUES (-1)",
    "INSERT INTO orders (total) VALUES (-1)",
    "INSERT INTO users (id, name) VALUES (1, 'again')",
    "INSERT INTO groups (id) VALUES (1)",
    "INSERT INTO memberships (id) VALUES (1)",
    "INSERT INTO orders (id) VALUES (1)",
)

# app/models.py of that application.
MODELS = """
from sqlalchemy import ForeignKey, Numeric, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    bio: Mapped[str | None] = mapped_column(Text)
    age: Mapped[int | None]
    nickname: Mapped[str | None] = mapped_column(String(50))


class Group(Base):
    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(50))


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    total: Mapped[float | None] = mapped_column(Numeric(10, 2))
    note: Mapped[str | None] = mapped_column(String(200))
"""
