# Verbs. Each sees to .venv by itself (the packages of requirements/*.lock, from PyPI), then goes into Python.
.PHONY: help sim waves test lint format regress report faults mutate cov quality numbers boards bitstream flash bench-sim bench-cnn lock clean
.DEFAULT_GOAL := help
VENV := @sh scripts/prepare.sh run && .venv/bin/python
VENV_DEV := @sh scripts/prepare.sh dev && .venv/bin/python

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s%s\n", $$1, $$2} /^#   /{print substr($$0, 3)}' Makefile

# Names of the variables typed behind these verbs: the programs refuse those that they do not know.
sim waves regress report: export OCELLUS_TYPED = $(foreach v,$(subst \ ,_,$(MAKEOVERRIDES)),$(firstword $(subst =, ,$(v))))

sim: ## a 4K frame through the whole sensor in Verilator, checked bit for bit
	$(VENV) -m ocellus_sim.app
#              TEST=image         a run of the test plan, which other variables change; a stage's tests (isp), or one of
#                                 them (isp::test_pixels_equal_the_golden_model)
#              SEED=1             the rendered scene; FRAMES=n takes seeds SEED to SEED+n-1
#              FRAME=file         a photograph, .npy or raw Bayer file instead of a rendered scene
#              MODEL=net.tflite   another network than the project's own
#              MODE=metadata      or image, or image+metadata: what leaves the chip
#              CONFIG=ecp5        or tiny: how large the accelerator is
#              SIZE=3840x2160     the frame
#              ROI=x,y,w,h        what of it the network looks at, instead of all
#              WAVES=1            every signal of the first lines and of the start of the network (FST);
#                                 fail: of the clocks around the first difference
#              GUI=1              the trace, or the timeline, in gtkwave or surfer
#              TRAIN=1            compile the simulator again by what a frame shows: faster from then on

waves: ## the trace of a run that failed: its window run again, with every signal, and opened
	$(VENV) -m ocellus_sim.app.waves
#              RUN=folder         or its name; by default the latest that failed. GUI=0 opens nothing

test: ## every test, on every core
	$(VENV) -m pytest --numprocesses auto --dist loadfile $(ARGS)

lint: ## ruff and pyright
	$(VENV_DEV) scripts/lint.py

format: ## ruff's formatting, written
	$(VENV_DEV) scripts/lint.py --write

regress: ## a campaign: many seeds, modes, sizes, networks, and every stage's tests (docs/regress.md)
	$(VENV) -m ocellus_sim.campaign
#              SUITE=smoke        or nightly, or weekly; FILTER=text of them, LIST=1 tells what would run
#              SEEDS=n JOBS=n     seeds a test; runs at the same time; COV=1 counts lines and branches of the design
#              OUT=folder         the campaign's own, resumed if it is there; RERUN=failed runs what did not pass
#              EXECUTOR=dask      with SCHEDULER=tcp://host:8786: other machines; SHARD=i/n: a part, as for job arrays

report: ## the page of a campaign, with results.json and junit.xml for programs, in the campaign's folder
	$(VENV) -m ocellus_sim.report
#              RUN=folder         of the campaign; the last one by default; several are shards of one, the first gets the report

faults: ## bugs as people make them, in turn: is each found, and named at its stage?
	$(VENV) -m scripts.faults $(ARGS)

mutate: ## faults that a machine puts into every stage: which of them do the tests not notice?
	$(VENV) -m scripts.mutants $(ARGS)
#              ARGS="isp link"    some stages; --count, --seed, --jobs, --page: see --help

cov: ## what the tests reach: lines and branches of the gateware, situations that they meet
	$(VENV) -m ocellus_sim.coverage $(ARGS)
#              ARGS="isp link"    some stages

quality: ## recall and precision of the network on scenes it was not trained on
	$(VENV) scripts/quality.py $(ARGS)
#              ARGS="--line 60"   on frames of the line that readout draws itself

numbers: ## what parts and boards take of an ECP5, and how fast they run there: synthesis, placement, routing
	$(VENV) -m scripts.figures $(ARGS)
#              ARGS="pair ulx3s-85f"   some designs and boards; --page, --no-place, --seed, --router: see --help

boards: ## which boards there are, and what each runs (docs/boards.md)
	$(VENV) -m scripts.boards

bitstream: ## a board's bitstream: synthesis, placement, routing, its clock and what it takes of the chip
	$(VENV) -m scripts.boards.bitstream --board "$(BOARD)" --config "$(CONFIG)" $(ARGS)
#              BOARD=ulx3s-85f    one of `make boards`; CONFIG=tiny: another accelerator than the board's, to try
#              ARGS="--seed 2"    --minutes, --placer, --router: see --help

flash: ## the bitstream into the board, until its power goes
	$(VENV) -m scripts.boards.flash --board "$(BOARD)" --config "$(CONFIG)"
#              BOARD=ulx3s-85f    and CONFIG, as for bitstream

bench-sim: ## what a 4K frame costs in the simulator, and what harness, checks and builds add to it
	$(VENV) -m scripts.bench_sim $(ARGS)
#              ARGS="--rounds 3"  --config, --size, --page: see --help

bench-cnn: ## real networks through the simulated accelerator: exact, and in how many cycles
	$(VENV) -m scripts.bench_cnn $(if $(NETWORKS),--networks $(NETWORKS)) $(if $(CONFIGS),--configs $(CONFIGS)) $(ARGS)
#              NETWORKS="vww ds-cnn"   some of them; CONFIGS=ecp5 some sizes; ARGS=--again runs what is kept already

lock: ## resolve requirements/*.lock again from pyproject.toml
	$(VENV) scripts/lock.py

clean: ## remove what the verbs made, .venv excepted
	@rm -rf build dist .pytest_cache .ruff_cache .hypothesis
