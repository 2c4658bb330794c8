# make demo       environment, packages, sample folder, build, report, three questions, then a chat
# make test       lint, types, layers and the fast suite
# make test-long  the tests that take minutes or hours
# make bundle     wheels and models in one folder, for a machine without a network (MODELS="smollm2 e5 ocr")
# make models-page  docs/models.md anew (its second table: of what is pulled of smollm2, minilm, e5)
# make bench      every benchmark (benchmarks/README.md); the one of public text with DATA=FOLDER

PYTHON ?= python3
ATHANOR := .venv/bin/athanor
DEMO ?= demo
MINUTES ?= 5
SEED ?= 0
BUNDLE ?= bundle
MODELS ?=
export ATHANOR_HOME ?= $(if $(filter /%,$(DEMO)),$(DEMO),$(CURDIR)/$(DEMO))/store
BENCHMARKS := train_throughput equal_loss settings demo_answers budget plan_accuracy

.DEFAULT_GOAL := install
.PHONY: install install-dev demo test lint test-long bench bundle models-page clean

install:
	@$(PYTHON) tools/install.py train

install-dev:
	@$(PYTHON) tools/install.py train dev

demo: install
	@tools/demo "$(DEMO)" "$(MINUTES)" "$(SEED)"

lint: install-dev
	.venv/bin/ruff check src tests benchmarks tools
	.venv/bin/ruff format --check src tests benchmarks tools
	.venv/bin/pyright

test: lint
	env -u ATHANOR_HOME .venv/bin/python -m pytest -n 2 -m "not long" --durations=8

test-long: install-dev
	env -u ATHANOR_HOME .venv/bin/python -m pytest -m "long or not long"

bundle: install
	@.venv/bin/python tools/bundle.py "$(BUNDLE)" $(MODELS)

models-page: install-dev
	.venv/bin/python tools/models_page.py

bench: install-dev
	@for name in $(BENCHMARKS); do echo "== $$name"; .venv/bin/python benchmarks/$$name.py || exit 1; done
	@echo "== public_folder"
	@if [ -n "$(DATA)" ]; then .venv/bin/python benchmarks/public_folder.py "$(DATA)"; \
	else echo "skipped: it needs the folder that its file describes, make bench DATA=FOLDER"; fi

clean:
	rm -rf .venv "$(DEMO)" "$(BUNDLE)"
