# The list of everything one does here; pre-commit and CI only call it. "make" alone prints it.
PY := .venv/bin/python
# Two processes of tests for each processor, as with one each it has nothing to do for a third of the time, and no more than there is memory for.
PROCESSES = $(shell n=$$(( 2 * $$(getconf _NPROCESSORS_ONLN) )); echo $$(( n > 6 ? 6 : n )))
SPREAD = -n $(PROCESSES) --dist worksteal
# Every test once: those of the operations and queries on the system's own PostgreSQL and Redis where it has them, those of the pages, API and
# Slack, which speak to the database through the same, on the embedded ones, as all journeys and crashes. All of it on real ones:
# scripts/with_real_services .venv/bin/python -m pytest -n 2 tests/integration
# Journeys and crashes: each process starts a product of its own (tests/scheduling.py).
DOORS = tests/integration/web tests/integration/api tests/integration/slack
STATE = tests/integration $(addprefix --ignore ,$(DOORS))
BUT_STATE = $(filter-out tests/integration/ tests/chaos/ tests/journeys/,$(wildcard tests/*/)) $(DOORS)
HTML = $$(find templates -name '*.html')
# Values a production site would set, so that Django's deployment checks look at the production shape.
DEPLOY = PUBLIC_URL=https://countersign.example ALLOWED_HOSTS=countersign.example \
	DATABASE_URL=postgresql://nobody@db.example/none REDIS_URL=redis://redis.example \
	SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')

# Every process of ours would compile all of our code again, a third of its start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check types rules fix bench reset lock clean runtime dev agentserver sdks

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: runtime ## start everything and print the address and login links (PORT=8000 HOST=127.0.0.1 WORKERS=2; SLACK=demo)
	@exec $(PY) -m config.up

test: dev agentserver sdks ## all tests; those of state on a real PostgreSQL and Redis where they are installed
	scripts/twice $(PY) -m pytest $(SPREAD) $(BUT_STATE)
	scripts/with_real_services scripts/twice $(PY) -m pytest $(SPREAD) $(STATE)
	scripts/twice $(PY) -m pytest -n $(PROCESSES) --dist loadfile tests/chaos tests/journeys

check: rules types ## format, lint, types, imports, templates, migrations, state diagram, deployment settings

# Takes longer than all rules; beside them with -j 2, as CI has it.
types: dev
	MYPYPATH=.:client:$$(ls -d examples/*/ | paste -sd: -) $(PY) -m mypy

rules: dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -c "from importlinter.cli import lint_imports_command as run; run()"
	.venv/bin/djade --target-version 5.2 --check $(HTML)
	$(PY) -W ignore manage.py makemigrations --check --dry-run
	$(PY) manage.py states --check
	$(PY) -m pytest --collect-only --quiet >/dev/null
	@echo "manage.py check --deploy"; $(DEPLOY) $(PY) manage.py check --deploy --fail-level WARNING

fix: dev ## format and mend what can be mended automatically
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format --quiet .
	.venv/bin/djade --target-version 5.2 $(HTML)

bench: dev ## measure, print a table, write var/bench.json
	$(PY) -m tests.bench

reset: runtime ## forget everything: deletes the data (refused while running)
	@$(PY) -m config.up reset

lock: dev ## resolve pyproject.toml anew into the two hashed locks
	scripts/lock

clean: ## remove the virtual environment and caches (data stays)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime:
	@scripts/bootstrap

dev:
	@scripts/bootstrap dev

# Without a network the tests that need it say so and are skipped.
agentserver: dev
	@scripts/agent_server || true

sdks: dev
	@scripts/sdks || true
