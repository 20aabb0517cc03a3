"""What a module maps, read from its text, beside what SQLAlchemy and Flask-SQLAlchemy make of the same module."""

from __future__ import annotations

import sys
import time
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import MetaData

from migration_gate.project.models import Mapped, read_mapped, snake_case

DECLARATIVE = """
from typing import Annotated, ClassVar, Optional
import sqlalchemy as sa
from sqlalchemy import *
from sqlalchemy import orm
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import *

class Base(DeclarativeBase):
    pass
"""
FLASK = """
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
"""

# Each runs as it stands: SQLAlchemy has the same tables with the same columns.
SAME = {
    "Column": """
        class User(Base):
            __tablename__ = "users"
            id = Column(Integer, primary_key=True)
            name = Column("full_name", Text)
            mail = sa.Column(sa.Text, name="email")
    """,
    "mapped_column": """
        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column("full_name", String(50))
            mail: orm.Mapped[str | None] = orm.mapped_column(name="email")
            plain = mapped_column(Integer)
    """,
    "annotations without a value": """
        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
            age: Mapped[int]
            bio: orm.Mapped[Optional[str]]
            quoted: "Mapped[int]"
            known: ClassVar[int] = 3
    """,
    "a type with a column in it": """
        key = Annotated[int, mapped_column(primary_key=True)]
        class User(Base):
            __tablename__ = "users"
            id: Mapped[key]
    """,
    "what is no column": """
        class Post(Base):
            __tablename__ = "posts"
            id: Mapped[int] = mapped_column(primary_key=True)
            author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
            author: Mapped["User"] = relationship(back_populates="posts")
            other = synonym("author_id")
            @property
            def title(self): return ""
        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
            posts: Mapped[list["Post"]] = relationship("Post", back_populates="author")
            twice = column_property(id * 2)
            __mapper_args__ = {"eager_defaults": True}
            @hybrid_property
            def half(self): return self.id / 2
            def method(self): return Column("no")
    """,
    "columns in what wraps them": """
        class Point:
            def __init__(self, x, y): self.x, self.y = x, y
            def __composite_values__(self): return self.x, self.y
        class User(Base):
            __tablename__ = "users"
            id = Column(Integer, primary_key=True)
            bio = deferred(Column("long_bio", Text))
            note = orm.deferred(Column(Text), group="g")
            prop = column_property(Column(Text))
            home = composite(Point, Column("x", Integer), Column("y", Integer))
            late: Mapped[str] = deferred(mapped_column(Text))
    """,
    "constants": """
        PREFIX = "app_"
        class Names:
            BIO = "biography"
        NAME: str = PREFIX + "users"
        class User(Base):
            __tablename__ = NAME
            __table_args__ = {"schema": f"{PREFIX}one"}
            id = Column(Integer, primary_key=True)
            bio = Column(Names.BIO, Text)
    """,
    "a schema": """
        class User(Base):
            __tablename__ = "users"
            __table_args__ = (UniqueConstraint("name"), {"schema": "crm", "comment": "c"})
            id = Column(Integer, primary_key=True)
            name = Column(Text)
        class Other(Base):
            __tablename__ = "others"
            __table_args__ = dict(schema="crm")
            id = Column(Integer, primary_key=True)
    """,
    "mixins": """
        class Stamped:
            created_at: Mapped[int]
            updated_at = mapped_column(DateTime)
            @declared_attr
            def owner_id(cls): return Column("owner", ForeignKey("users.id"))
            @declared_attr
            def owner(cls) -> Mapped["User"]: return relationship("User", viewonly=True)
        class Keyed(Stamped):
            id: Mapped[int] = mapped_column(primary_key=True)
        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
        class Post(Keyed, Base):
            __tablename__ = "posts"
            title: Mapped[str]
    """,
    "an abstract base, and columns of the base": """
        class Own(DeclarativeBase):
            made: Mapped[int]
        class Model(Own):
            __abstract__ = True
            id: Mapped[int] = mapped_column(primary_key=True)
        class User(Model):
            __tablename__ = "users"
            name: Mapped[str]
    """,
    "table names that a base makes": """
        class Named:
            @declared_attr.directive
            def __tablename__(cls): return cls.__name__.lower() + "s"
        class Formatted(Base):
            __abstract__ = True
            @declared_attr.directive
            def __tablename__(cls) -> str: return f"app_{cls.__name__.lower()}"
        class User(Named, Base):
            id = Column(Integer, primary_key=True)
        class Post(Formatted):
            id = Column(Integer, primary_key=True)
    """,
    "inheritance": """
        class Person(Base):
            __tablename__ = "people"
            id: Mapped[int] = mapped_column(primary_key=True)
            kind: Mapped[str]
            __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}
        class Manager(Person):
            level: Mapped[int | None]
            __mapper_args__ = {"polymorphic_identity": "manager"}
        class Engineer(Person):
            __tablename__ = "engineers"
            id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
            tool: Mapped[str]
            __mapper_args__ = {"polymorphic_identity": "engineer"}
    """,
    "__table__": """
        class User(Base):
            __table__ = Table(
                "users", Base.metadata, Column("id", Integer, primary_key=True), Column("bio", Text, key="b")
            )
        groups = Table("groups", Base.metadata, Column("id", Integer, primary_key=True))
        class Group(Base):
            __table__ = groups
    """,
    "tables": """
        metadata = MetaData()
        NAME = "users"
        users = Table(NAME, metadata, Column("id", Integer, primary_key=True), Column("bio", Text), schema="crm")
        class Post(Base):
            __tablename__ = "posts"
            id = Column(Integer, primary_key=True)
            tags = relationship("Tag", secondary=Table("post_tags", Base.metadata,
                Column("post", ForeignKey("posts.id")), Column("tag", ForeignKey("tags.id"))))
        class Tag(Base):
            __tablename__ = "tags"
            id = Column(Integer, primary_key=True)
    """,
    "imperative": """
        mappers = registry()
        class User: pass
        table = Table("users", mappers.metadata, Column("id", Integer, primary_key=True), Column("bio", Text))
        mappers.map_imperatively(User, table, properties={"about": table.c.bio})
    """,
    "a decorator": """
        mappers = registry()
        @mappers.mapped
        class User:
            __tablename__ = "users"
            id = Column(Integer, primary_key=True)
        @mappers.mapped_as_dataclass
        class Post:
            __tablename__ = "posts"
            id: Mapped[int] = mapped_column(primary_key=True)
    """,
    "declarative_base": """
        class Everything:
            id = Column(Integer, primary_key=True)
        Root = declarative_base(cls=Everything)
        class User(Root):
            __tablename__ = "users"
            name = Column(Text)
    """,
    "a dataclass": """
        class Data(MappedAsDataclass, DeclarativeBase):
            pass
        class User(Data):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True, init=False)
            name: Mapped[str] = mapped_column(default="")
    """,
    "a column after the class": """
        class User(Base):
            __tablename__ = "users"
            id = Column(Integer, primary_key=True)
        User.bio = Column("biography", Text)
    """,
    "a function that makes columns": """
        def stamp(): return Column(DateTime)
        class User(Base):
            __tablename__ = "users"
            id = Column(Integer, primary_key=True)
            created_at = stamp()
    """,
    "a condition": """
        class User(Base):
            __tablename__ = "users"
            id = Column(Integer, primary_key=True)
            if True:
                bio = Column(Text)
    """,
    "a class in a function": """
        def make():
            class User(Base):
                __tablename__ = "users"
                id = Column(Integer, primary_key=True)
            return User
        make()
    """,
}

SAME_IN_FLASK = {
    "automatic names": """
        class HTTPServer(db.Model):
            id = db.Column(db.Integer, primary_key=True)
        class UserGroup2(db.Model):
            id: db.Mapped[int] = db.mapped_column(primary_key=True)
            user_id = db.Column(db.ForeignKey("http_server.id"))
            user = db.relationship("HTTPServer", backref=db.backref("groups"))
    """,
    "a name of its own": """
        class User(db.Model):
            __tablename__ = "people"
            id = db.Column(db.Integer, primary_key=True)
    """,
    "inheritance": """
        class Person(db.Model):
            id = db.Column(db.Integer, primary_key=True)
        class Manager(Person):
            level = db.Column(db.Integer)
        class Engineer(Person):
            id = db.Column(db.ForeignKey("person.id"), primary_key=True)
            tool = db.Column(db.Text)
    """,
    "an abstract base": """
        class Timed(db.Model):
            __abstract__ = True
            created = db.Column(db.DateTime)
        class Keyed:
            id = db.Column(db.Integer, primary_key=True)
        class BlogPost(Keyed, Timed):
            title = db.Column("headline", db.Text)
    """,
    "a table": """
        tags = db.Table("tags", db.Column("post_id", db.Integer), db.Column("tag", db.Text), schema="crm")
    """,
    "an alias": """
        Model = db.Model
        class User(Model):
            id = db.Column(db.Integer, primary_key=True)
    """,
}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A module's names. SQLAlchemy looks for it among the imported ones to make sense of annotations."""
    one = ModuleType("models_under_test")
    monkeypatch.setitem(sys.modules, one.__name__, one)
    return one.__dict__


def made(source: str, module: dict[str, Any]) -> dict[tuple[str | None, str], set[str]]:
    """The tables and columns of a module that has run."""
    exec(compile(source, "models.py", "exec", dont_inherit=True), module)
    metadatas = [
        one if isinstance(one, MetaData) else one.metadata
        for one in module.values()
        if isinstance(one, MetaData) or isinstance(getattr(one, "metadata", None), MetaData)
    ]
    tables = [table for metadata in metadatas for table in metadata.tables.values()]
    return {(table.schema, table.name): {column.name for column in table.columns} for table in tables}


def read(source: str) -> dict[tuple[str | None, str | None], set[str]]:
    found: dict[tuple[str | None, str | None], set[str]] = {}
    for one in read_mapped(source.encode()):
        assert one.whole
        found.setdefault((one.schema, one.table), set()).update(name for name, _ in one.columns)
    return found


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_reads_what_sqlalchemy_maps(source: str, module: dict[str, Any]) -> None:
    text = DECLARATIVE + dedent(source)
    assert read(text) == made(text, module)


@pytest.mark.parametrize("source", SAME_IN_FLASK.values(), ids=SAME_IN_FLASK)
def test_reads_what_flask_sqlalchemy_maps(source: str, module: dict[str, Any]) -> None:
    text = FLASK + dedent(source)
    assert read(text) == made(text, module)


@pytest.mark.parametrize(
    "name", ["User", "HTTPServer", "UserID", "User2Group", "A", "ABTest", "_Private", "aB", "X1Y2Z"]
)
def test_names_tables_as_flask_sqlalchemy_does(name: str) -> None:
    from flask_sqlalchemy.model import camel_to_snake_case

    assert snake_case(name) == camel_to_snake_case(name)


# What cannot run here, and what must not be taken for more than it is: table, columns, whole.
READ: dict[str, tuple[str, list[tuple[str | None, set[str], bool]]]] = {
    "a base of another file": (
        'class User(Stamped, Base):\n    __tablename__ = "users"\n    id = Column(Integer)',
        [("users", {"id"}, False)],
    ),
    "no table name, a base of another file": ("class User(Base):\n    id = Column(Integer)", [(None, {"id"}, False)]),
    "a computed table name": (
        """
        class User(db.Model):
            id = db.Column()
            @declared_attr
            def __tablename__(cls): return prefixed(cls)
        """,
        [(None, {"id"}, True)],
    ),
    "a base class of Flask-Login": (
        'class User(UserMixin, db.Model):\n    __tablename__ = "users"\n    id = db.Column(db.Integer)',
        [("users", {"id"}, True)],
    ),
    "reflection": (
        """
        class Base(DeclarativeBase): pass
        class User(Base):
            __table__ = Table("users", Base.metadata, autoload_with=engine)
        """,
        [("users", set(), False)],
    ),
    "a reflected table": ('users = Table("users", metadata, autoload_with=engine)', [("users", set(), False)]),
    "columns of a list": ('users = Table("users", metadata, Column("id", Integer), *rest)', [("users", {"id"}, False)]),
    "automap": (
        "Base = automap_base()\nBase.prepare(autoload_with=engine)\nUser = Base.classes.users",
        [("users", set(), False)],
    ),
    "SQLModel": (
        """
        class HeroBase(SQLModel):
            name: str = Field(index=True)
            model_config = ConfigDict(extra="forbid")
        class Hero(HeroBase, table=True):
            id: int | None = Field(default=None, primary_key=True)
            alias: str = Field(sa_column=Column("nick", Text))
            other: str = Field(sa_column_kwargs={"name": "renamed"})
            team_id: int | None = Field(default=None, foreign_key="team.id")
            team: Optional["Team"] = Relationship(back_populates="heroes")
            _private: int = 3
            known: ClassVar[int] = 3
        class HeroPublic(HeroBase):
            id: int
        class Named(SQLModel, table=True):
            __tablename__ = "heroes"
            id: int = Field(primary_key=True)
        """,
        [("hero", {"name", "id", "nick", "renamed", "team_id"}, True), ("heroes", {"id"}, True)],
    ),
    "no model: pydantic, a dataclass, an enum": (
        """
        class Settings(BaseModel):
            name: str
        @dataclass
        class Point:
            x: int = field(default=0)
        class Color(Enum):
            RED = 1
        class Form(FlaskForm):
            name = StringField("Name")
        """,
        [],
    ),
    "another library's Model": (
        """
        class Secret(Model):
            id_attribute = "ID"
        class Author(models.Model):
            name = models.CharField(max_length=50)
        """,
        [],
    ),
    "a mixin alone": ("class Stamped:\n    created_at = Column(DateTime)", []),
    "another library's Table": ('table = Table("Name", "Size")\nother = Table(title="x")', []),
    "a class that is its own base": ("class User(User):\n    id = Column(Integer)", [(None, {"id"}, False)]),
    "bases in a circle": ("class A(B):\n    id = Column(Integer)\nclass B(A): pass", [(None, {"id"}, False)]),
    "a syntax error": ("class User(", []),
    "a null byte": ("x = '\0'", []),
    "calls of calls": ("class A(B):\n    id = f" + "()" * 3000 + "\nA.x = f" + "()" * 3000, []),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("source", "expected"), READ.values(), ids=READ)
def test_reads_no_more_than_is_written(source: str, expected: list[tuple[str | None, set[str], bool]]) -> None:
    found = read_mapped(dedent(source).encode())
    assert [(one.table, {name for name, _ in one.columns}, one.whole) for one in found] == expected


def test_tells_where_each_column_is() -> None:
    source = dedent("""\
        class Keyed:
            id = Column(Integer, primary_key=True)

        class Base(DeclarativeBase): pass

        class User(Keyed, Base):
            __tablename__ = "users"
            bio = Column(
                "biography",
                Text,
            )
    """)
    assert read_mapped(source.encode()) == (
        Mapped("User", "users", None, (("biography", 8), ("id", 2)), line=6, whole=True),
    )


def test_names_the_bases_that_it_has_not_seen() -> None:
    (found,) = read_mapped(b'class User(UserMixin, base.Stamped, Base):\n    __tablename__ = "users"')
    assert found.missing == ("Stamped", "Base")


def test_reads_a_large_module_in_a_moment() -> None:
    one = 'class C{0}(Base):\n    __tablename__ = "t{0}"\n' + "".join(f"    c{n} = Column(Text)\n" for n in range(20))
    source = DECLARATIVE + "".join(one.format(n) for n in range(500))
    begun = time.perf_counter()
    assert len(read_mapped(source.encode())) == 500
    assert time.perf_counter() - begun < 5
