PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin
# Always in the versions that the checks passed with
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: run install install-dev test-setup test chaos chaos-revocations proof herd glass soak fuzz check lint lock format screenshots specs client bench abuse clean

# --- Run ---------------------------------------------------------------------------------------------------

run: export PORTAL_LISTENS_ON = $(HOST)
run: install  # Install, migrate, print the demo log-ins and serve on HOST:PORT
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py demo --host $(HOST) --port $(PORT)
	@exec $(BIN)/python manage.py serve --host $(HOST) --port $(PORT)

install: .venv/.installed

install-dev: .venv/.installed-dev

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Portal needs Python 3.11 or newer: install it, or name it with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python cannot make a virtual environment: run apt-get install python3-venv, then make again." >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt requirements.lock | .venv/bin/python
	$(PIP) -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	$(PIP) -r requirements-dev.txt
	@touch $@

# --- Test --------------------------------------------------------------------------------------------------

test-setup: install-dev  # Fetch what the tests need and pip cannot give
	@$(BIN)/python -m testing.setup

# In the order of conftest.py, which knows the long tests; the plugin would begin with the files that have many
PYTEST := $(BIN)/python -m pytest --quiet --numprocesses 4 --dist loadfile --no-loadscope-reorder

test: install-dev test-setup  # Run all tests, four files at a time: many of them wait
	$(PYTEST) --cov --cov-report= libraries realtime
	$(PYTEST) portal testing chaos bench fuzz

# CHAOS_SECONDS=300 goes on for so long (0: each fault once); CHAOS_SEED=1 chooses as an earlier run did
chaos: install-dev  # Break a running Portal in every way we know, and check what it promises
	$(BIN)/python -m chaos $(if $(CHAOS_SECONDS),--seconds $(CHAOS_SECONDS)) $(if $(CHAOS_SEED),--seed $(CHAOS_SEED)) $(CHAOS)
	$(BIN)/python -m chaos.revocations

chaos-revocations: install-dev  # End access in every way, also by statements on many rows, and write the times down
	$(BIN)/python -m chaos.revocations --rows --write docs/guarantees.md

# PROOF_SEQUENCES is 10,000 by default
proof: test-setup  # Prove the JavaScript client: random sequences against a model, and a tenth of them on a real server
	PORTAL_CLIENT_SEQUENCES=$(or $(PROOF_SEQUENCES),10000) node --test --test-reporter=spec realtime/client/js/tests/model.test.js
	$(BIN)/python -m chaos.proof --sequences $$(( $(or $(PROOF_SEQUENCES),10000) / 10 ))

# SOAK_SECONDS is 1200 by default
soak: install-dev  # Run 500 sockets for 20 minutes, and see whether the servers keep anything
	$(BIN)/python -m chaos.soak $(if $(SOAK_SECONDS),--seconds $(SOAK_SECONDS)) $(SOAK)

# FUZZ_SECONDS is 120 by default, and 60 in `make check`; FUZZ_SEED=1 tries what an earlier run tried; FUZZ="--only cost" is one part of it
fuzz: install-dev  # Look for inputs that the server should not mind, and does
	$(BIN)/python -m fuzz $(if $(FUZZ_SECONDS),--seconds $(FUZZ_SECONDS)) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED)) $(FUZZ)

check: FUZZ_SECONDS ?= 60
check: lint test  # All that CI runs; chaos and fuzz beside each other, because chaos waits most of the time
	$(BIN)/coverage report --fail-under=100
	@$(MAKE) --jobs 2 --output-sync=target FUZZ_SECONDS=$(FUZZ_SECONDS) chaos fuzz

# The environment of a production process, for `check --deploy`
PRODUCTION := env -u DATABASE_URL -u REDIS_URL PORTAL_DEBUG=false PORTAL_ALLOWED_HOSTS=portal.example.org \
  PORTAL_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(48))')

lint: install-dev  # Style, types, the ladder of imports, migrations, production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

format: install-dev  # Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  # Write requirements.lock anew, with the newest versions that the requirements allow
	rm -rf var/lock && $(PYTHON) -m venv var/lock
	var/lock/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt -r requirements-dev.txt
	var/lock/bin/python -m pip freeze --exclude pip --exclude setuptools > requirements.lock
	rm -rf var/lock

screenshots: install-dev test-setup  # Take every page anew into docs/screenshots; look at them afterwards
	$(BIN)/python -m portal.tests.screenshots

specs: test-setup  # Have the AsyncAPI CLI, which is 1.5 GB, read docs/asyncapi.yaml; `make test` has its parser and Modelina
	npm exec --yes --package=@asyncapi/cli@4 -- asyncapi validate docs/asyncapi.yaml

client: test-setup  # Write what the clients have from the server, and the minified files of the one in JavaScript
	$(BIN)/python manage.py client_tables --write
	node realtime/client/js/build.mjs

# --- Measure -----------------------------------------------------------------------------------------------

.venv/.installed-bench: bench/requirements.txt .venv/.installed-dev
	$(PIP) -r bench/requirements.txt
	@touch $@

bench: .venv/.installed-bench  # Measure against the peers and write bench/RESULTS.md; needs Node.js and nginx with nchan
	$(BIN)/python -m bench $(BENCH)

herd: .venv/.installed-bench  # Restart a server that has 2,000 clients, and see how they come back
	$(BIN)/python -m bench.herd

glass: .venv/.installed-bench  # Measure from a press on the desk to what a guest's stage draws of it, in one browser
	$(BIN)/python -m bench.glass_to_glass $(GLASS)

# ABUSE_SECONDS is 30 and ABUSE_RUNS 3 by default; ABUSE="--only ping" takes one attack, ABUSE=--write keeps the figures
abuse: .venv/.installed-bench  # Attack a running Portal in every way we know, and measure what another tenant notices
	$(BIN)/python -m bench.abuse $(if $(ABUSE_SECONDS),--seconds $(ABUSE_SECONDS)) \
	  $(if $(ABUSE_RUNS),--runs $(ABUSE_RUNS)) $(ABUSE)

clean:  # Remove what was built; var/, with the data, stays
	rm -rf .venv .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
