# What a developer types. Nothing has to be there but make and a Python of 3.11 or newer:
#
#   make demo     the gate on a healthy project, and on five that it must refuse
#   make test     style, types, tests, and the rehearsal with the oldest Alembic and SQLAlchemy
#   make bench    what a hook and a rehearsal cost, beside Alembic's own commands
#   make corpus   real projects' histories, from what they published
#   make docker   the tests that need a container engine;  make slow: those that take long
#   make majors   the rules' examples and facts on PostgreSQL 14 to 18;  make facts: write docs/facts.md from them
#   make docs     write the pages that come from the code: rules, settings, commands;  make pictures: those of the terminal
#   make site     build the documentation's site, into site/
#   make clean    remove the environments and what tools left behind
#
# `make test PYTHON=python3.13` chooses the Python; an environment is made anew when pyproject.toml changes.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: demo test check tests oldest corpus docker slow majors facts bench docs pictures site clean
.DEFAULT_GOAL := test

export PIP_DISABLE_PIP_VERSION_CHECK := 1

ENOUGH := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  if "$$name" -c '$(ENOUGH)' 2>/dev/null; then echo "$$name"; break; fi; done)
endif

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet
PYTEST := $(BIN)/python -m pytest
# By file: what a file's tests share (a server, pre-commit's environment) is then made once. In the order of their names:
# by the number of tests, the few that take longest would come last, and one of the two would wait for the other.
TWO := --quiet --numprocesses 2 --dist loadfile --no-loadscope-reorder
# What depends on the versions of Alembic, SQLAlchemy, psycopg and Flask's extensions: a rehearsal, and what models
# declare. Not so PostgreSQL's word on a revision, what dumps hold, how a process ends and what is said of it.
OLD := tests/drift/test_controls.py tests/drift/test_declared.py tests/rehearsal \
  $(foreach name,joined back halfway data leaves_nothing ci commands,--ignore tests/rehearsal/test_$(name).py)
OLDEST_PIP := .venv-oldest/bin/python -m pip --quiet

# The oldest that pyproject.toml admits, and for a newer Python the oldest that works there. Flask-SQLAlchemy 3.1 needs
# a newer SQLAlchemy than the gate does.
OLDEST := \
  'alembic==1.12.0' \
  'sqlalchemy==2.0.0; python_version < "3.13"' \
  'sqlalchemy==2.0.31; python_version == "3.13"' \
  'sqlalchemy==2.0.44; python_version > "3.13"' \
  'psycopg[binary]==3.1.18; python_version < "3.13"' \
  'flask-migrate==4.0.7' 'flask-sqlalchemy==3.0.5'

# ── what a person types ──────────────────────────────────────────────────────────────────────────────────────────────

demo: .venv/demo
	$(BIN)/python tests/demo.py

test: check tests oldest

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --no-progress --quiet action.yml .github/workflows
	$(BIN)/pre-commit validate-manifest .pre-commit-hooks.yaml
	$(BIN)/pre-commit validate-config .pre-commit-config.yaml

tests: .venv/dev
	$(PYTEST) $(TWO)

oldest: .venv-oldest/made
	.venv-oldest/bin/python -m pytest $(TWO) $(OLD)

corpus: .venv/dev
	$(PYTEST) -m corpus -s

docker: .venv/dev
	$(PYTEST) -m docker

slow: .venv/dev
	$(PYTEST) -m slow

bench: .venv/demo
	$(BIN)/python tests/bench.py

majors: .venv/dev
	$(BIN)/python -m tests.majors

facts: .venv/dev
	$(BIN)/python -m tests.rules.facts

docs: .venv/dev
	$(BIN)/python -m tests.pages
	$(BIN)/python -m tests.reference

pictures: .venv/dev
	$(BIN)/python -m tests.pictures
	$(BIN)/python -m tests.page_picture

site: .venv-docs/made
	.venv-docs/bin/mkdocs build --strict

clean:
	rm -rf .venv .venv-oldest .venv-docs .majors site build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# ── environments; the file in each says what has been installed ───────────────────────────────────────────────────────

# The pip that comes with Python 3.11 knows no dependency groups.
define fresh
@"$(PYTHON)" -c '$(ENOUGH)' || { echo 'no Python 3.11 or newer with venv: make PYTHON=/path/to/python3' >&2; exit 1; }
"$(PYTHON)" -m venv --clear $(@D)
echo '*' > $(@D)/.gitignore
endef

.venv/made: pyproject.toml
	$(fresh)
	$(PIP) install --upgrade 'pip>=25.1'
	touch $@

.venv/demo: .venv/made examples/shop/requirements.txt
	$(PIP) install --editable '.[ci]' --requirement examples/shop/requirements.txt
	touch $@

.venv/dev: .venv/made
	$(PIP) install --editable '.[ci]' --group dev
	touch $@

.venv-oldest/made: pyproject.toml Makefile
	$(fresh)
	$(OLDEST_PIP) install --editable '.[ci]' $(OLDEST) asyncpg pg8000 psycopg2-binary pytest pytest-xdist
	touch $@

.venv-docs/made: pyproject.toml
	$(fresh)
	.venv-docs/bin/python -m pip --quiet install --upgrade 'pip>=25.1'
	.venv-docs/bin/python -m pip --quiet install --group docs
	touch $@
