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
DEMO ?= demo_out
TORCH ?= torch torchvision
PYTEST_ARGS ?= -n 2 --dist loadfile

RUN := $(VENV)/bin/python
# Compiling 5 GB of packages takes as long as unpacking them; Python compiles what it
# imports at first use.
INSTALL := $(RUN) -m pip install --disable-pip-version-check --no-compile
# Newer than what the environment is made from once all of it is installed.
READY := $(VENV)/.phr_mmpose
# The clone comes before any other copy that the environment may know.
export PYTHONPATH := $(CURDIR)$(if $(PYTHONPATH),:$(PYTHONPATH))

.PHONY: demo test test-all lint env clean

# On figures that the project draws: the config trains on seed 0 and evaluates on seed 1;
# the persons in the pictures are of a third.
FIGURES := configs/phr_tiny_figures.py
WEIGHTS := $(DEMO)/train/stage_joint.pth
demo: $(READY)
	$(RUN) tools/train.py $(FIGURES) --work-dir $(DEMO)/train
	$(RUN) tools/test.py $(FIGURES) $(WEIGHTS) --work-dir $(DEMO)/test --json $(DEMO)/pckh.json
	$(RUN) tools/draw_figures.py --num 12 --seed 2 --back-views 0 --out $(DEMO)/unseen
	$(RUN) tools/demo.py $(DEMO)/unseen/images --boxes $(DEMO)/unseen/boxes.json \
	  --config $(FIGURES) --weights $(WEIGHTS) --out-dir $(DEMO)/poses
	$(RUN) tools/show_cascade.py $$(ls $(DEMO)/unseen/images/* | head -3) \
	  --gt $(DEMO)/unseen/annotations/figures.json \
	  --config $(FIGURES) --weights $(WEIGHTS) --out $(DEMO)/cascade
	@echo 'In $(DEMO): the checkpoint (train/), the rates (pckh.json), poses on pictures'
	@echo 'that it never saw (poses/), what detector and refiner see (cascade/)'

test: $(READY)
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests projects -m 'not slow' $(PYTEST_ARGS)

test-all: $(READY)
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests projects $(PYTEST_ARGS)

lint: $(READY)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

env:
	rm -f $(READY)
	$(MAKE) $(READY)

# pip leaves alone what is there and in order, so that a set-up that was interrupted goes
# on when it is run again. xtcocotools comes last and from no cache: it is built against
# the numpy that is installed then. The variants of OpenCV, mmcv and mmengine overwrite
# each other, so that one that is there is kept.
$(READY): setup.cfg $(wildcard requirements/*.txt)
	@$(PYTHON) -c 'import sys; sys.exit("error: Python 3.10 or newer is needed: \
	make PYTHON=python3.x" if sys.version_info < (3, 10) else 0)'
	@$(RUN) -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || \
	{ echo 'error: this Python makes no environments: sudo apt install python3-venv'; exit 2; }
	@rm -f $@
	$(INSTALL) numpy cython 'setuptools >= 64' wheel $(TORCH)
	$(RUN) -c 'import cv2' 2> /dev/null || \
	$(INSTALL) 'opencv-python-headless >= 4.7'
	$(INSTALL) --no-build-isolation -e '.[dev]'
	grep -E '^(mmdet|mmpose)' requirements/mm.txt | xargs -d '\n' $(INSTALL) --no-deps
	$(RUN) -m pip show -q mmcv 2> /dev/null || \
	grep '^mmcv-lite' requirements/mm.txt | xargs -d '\n' $(INSTALL) --no-deps
	$(RUN) -m pip show -q mmengine 2> /dev/null || \
	grep '^onedl-mmengine' requirements/mm.txt | xargs -d '\n' $(INSTALL) --no-deps
	$(INSTALL) --no-deps --no-build-isolation --no-cache-dir -r requirements/xtcocotools.txt || \
	echo 'note: without gcc and python3-dev there is no xtcocotools, only for COCO scores'
	@$(RUN) tools/check_env.py
	@touch $@

clean:
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis demo_out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
