# make demo: train, evaluate and use a small cascade on drawn figures
# make test: run the quick tests    make test-all: run every test
# make lint: check style
# make env:  look at every package of the environment again
# make clean: remove the environment, the demo's results and caches
#
# VENV=path uses or makes another environment, PYTHON=python3.x makes it with another
# Python, TORCH="torch==2.13.0 torchvision" asks for another torch.

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch torchvision
PYTEST_ARGS ?= -n 2 --dist loadfile

RUN := $(VENV)/bin/python
# The clone comes before any other copy that the environment may know.
export PYTHONPATH := $(CURDIR)$(if $(PYTHONPATH),:$(PYTHONPATH))

.PHONY: demo test test-all lint env clean venv

demo: venv
	$(RUN) tools/figures_demo.py

test: venv
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests projects -m 'not slow' $(PYTEST_ARGS)

test-all: venv
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests projects $(PYTEST_ARGS)

lint: venv
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

venv:
	@$(PYTHON) tools/make_env.py $(VENV) --torch '$(TORCH)'

env:
	@$(PYTHON) tools/make_env.py $(VENV) --torch '$(TORCH)' --force

clean:
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis demo_out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
