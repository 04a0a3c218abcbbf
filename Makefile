# Guantong (贯通). `make` alone lists what there is; settings go through the environment or as VARIABLE=value.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
WORKERS ?= $(if $(GUANTONG_TEST_HOME),0,2)
CODE := catalog jobs expectations dags infra tests

.PHONY: help install run serve down status test prove check audit bench

help: ## list the targets
	@echo "make run [REAL_DATA=folder] [DEMO_SCALE=1.0]   the demonstration, end to end; again: the next day"
	@echo "make serve                                     start the portal, the exchange service and Airflow"
	@echo "make down                                      end everything that this checkout started"
	@echo "make status                                    what runs: process, port, health, log"
	@echo "make test [TESTS=tests/stages] [WORKERS=2]     the test suite, in so many processes"
	@echo "make prove [HISTORIES=1000] [STEPS=12] [ALONE=40] [POINTS=1] [SEED=]   random histories and deaths against a plain model"
	@echo "make check                                     ruff, mypy --strict, import rules"
	@echo "make audit                                     pinned versions against published advisories"
	@echo "make bench [CASE=name]                         the benchmarks, with ratios"
	@echo "make install                                   packages and JARs only"

.venv/.installed: requirements.txt infra/recipient/requirements.txt infra/pom.xml infra/install.sh infra/log_store/guantong-log-store.jar
	@infra/install.sh

install: .venv/.installed

run: .venv/.installed ## the demonstration, end to end
	@$(PYTHON) -m infra run

serve: .venv/.installed ## start everything and leave it up
	@$(PYTHON) -m infra serve

down: ## end everything that this checkout started
	@if [[ -x $(PYTHON) ]]; then $(PYTHON) -m infra down; else echo "nothing was ever installed here"; fi

status: .venv/.installed ## what runs
	@$(PYTHON) -m infra status || [[ $$? == 3 ]]

test: .venv/.installed ## the test suite
	@$(PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

prove: .venv/.installed ## random histories against a model
	@$(PYTHON) -m tests.histories --histories $(or $(HISTORIES),1000) --steps $(or $(STEPS),12) \
	    --alone $(or $(ALONE),40) $(if $(POINTS),--points) --seed "$(SEED)"

check: .venv/.installed ## lint, types, import rules
	@.venv/bin/ruff check $(CODE)
	@.venv/bin/ruff format --check $(CODE)
	@$(PYTHON) -m mypy --strict
	@PYTHONPATH=. .venv/bin/lint-imports

audit: .venv/.installed ## pins against advisories
	@$(PYTHON) -m infra audit

bench: .venv/.installed ## the benchmarks
	@$(PYTHON) -m tests.benchmarks $(CASE)
