# The list of everything one does here; pre-commit and CI only call it. "make" alone prints it.
PY := .venv/bin/python
# A process of tests for each processor, and no more than the databases of them have memory for.
SPREAD = -n logical --maxprocesses 6
# Pages, API and Slack speak to the database through the same operations and queries as the rest, which runs on real services, too. All of it:
# scripts/with_real_services .venv/bin/python -m pytest -n 2 tests/integration
BUT_DOORS = --ignore tests/integration/web --ignore tests/integration/api --ignore tests/integration/slack
HTML = $$(find templates -name '*.html')
# Values a production site would set, so that Django's deployment checks look at the production shape.
DEPLOY = PUBLIC_URL=https://countersign.example ALLOWED_HOSTS=countersign.example \
	DATABASE_URL=postgresql://nobody@db.example/none REDIS_URL=redis://redis.example \
	SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')

.DEFAULT_GOAL := help
.PHONY: help run test check fix bench reset lock clean runtime dev agentserver

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: runtime ## start everything and print the address and login links (PORT=8000 HOST=127.0.0.1 WORKERS=2; SLACK=demo)
	@exec $(PY) -m config.up

test: dev agentserver ## all tests on the embedded services, then those of state on real ones if installed
	scripts/twice $(PY) -m pytest $(SPREAD) --ignore tests/chaos --ignore tests/journeys
	scripts/twice $(PY) -m pytest $(SPREAD) --dist loadfile tests/chaos tests/journeys
	scripts/with_real_services scripts/twice $(PY) -m pytest $(SPREAD) tests/integration $(BUT_DOORS)

check: dev ## format, lint, types, imports, templates, migrations, state diagram, deployment settings
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	MYPYPATH=.:client:$$(ls -d examples/*/ | paste -sd: -) $(PY) -m mypy
	$(PY) -c "from importlinter.cli import lint_imports_command as run; run()"
	.venv/bin/djade --target-version 5.2 --check $(HTML)
	$(PY) -W ignore manage.py makemigrations --check --dry-run
	$(PY) manage.py states --check
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
