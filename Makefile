# Verbs only; `make audit` and `make check` do all the set-up they need.
.DEFAULT_GOAL := help
BIN := .venv/bin
# Where this make keeps their outputs apart: the tests under Wine leave a core to what only reads the code.
SIDE_BY_SIDE := $(if $(filter output-sync,$(.FEATURES)),--jobs=2 --output-sync=target)
# Else each of the programs that the tests start would compile anew what it loads.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup audit review check lint types architecture contract rules tests check-windows fmt protos lock bench bench-collector bench-line docs

help: ## montre ces verbes
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

setup: ## prépare l'environnement de développement
	@scripts/setup dev

audit: ## observe cette machine et montre la fiche du site, du début à la fin
	@scripts/setup run
	@scripts/audit

review: ## ouvre l'écran de revue sur ce que make audit a laissé
	@scripts/setup run
	@scripts/review

check: setup ## tout ce que la CI vérifie
	@$(MAKE) --no-print-directory $(SIDE_BY_SIDE) lint types architecture contract rules check-windows
	@$(MAKE) --no-print-directory tests

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry .

types:
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 agent/prerequis_agent/windows agent/prerequis_agent/host.py tests/agent/windows

architecture:
	$(BIN)/lint-imports

contract:
	$(BIN)/buf lint
	$(BIN)/buf breaking --against proto/released.binpb
	@PATH="$(CURDIR)/.venv-protos/bin:$$PATH" .venv-protos/bin/python proto/regenerate.py --check

rules:
	$(BIN)/prerequis-collector rules check

# Three on two cores: a third of the tests' time is waiting, for a line to be measured or a card to be read.
tests:
	$(BIN)/pytest -n 3 --dist loadgroup -q

bench: setup ## mesure ce que coûte l'observation, à côté de FusionInventory et de Lynis (en root)
	$(BIN)/python tests/bench/agent_cost.py
	$(BIN)/python tests/bench/judge_rate.py

bench-line: setup ## mesure la justesse de la mesure de ligne, à côté d'iperf3 et de speedtest-cli, et ses tours (en root, 40 min)
	@failed=0; $(BIN)/python -m tests.bench.line_accuracy || failed=1; \
	echo "lease_storm.py"; $(BIN)/python tests/bench/lease_storm.py || failed=1; exit $$failed

bench-collector: setup ## mesure ce que le collecteur coûte, garde et ne perd pas (vingt minutes)
	@failed=0; for one in "storm.py" "storm.py --way streamed" "storm.py --way new" comeback.py stored.py killed.py; do \
	  echo "collector_$$one"; $(BIN)/python tests/bench/collector_$$one || failed=1; \
	done; exit $$failed

docs: setup ## écrit les pages qui se déduisent des déclarations des sondes
	$(BIN)/python -m prerequis_agent.notice docs

check-windows: setup ## les essais de l'agent sur un vrai Python pour Windows, sous Wine
	@scripts/check-windows

fmt: ## met en forme
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

protos: setup ## régénère le code du contrat
	@PATH="$(CURDIR)/.venv-protos/bin:$$PATH" .venv-protos/bin/python proto/regenerate.py

lock: setup ## fige les versions et leurs empreintes
	@scripts/lock
