# Souk. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run up stop logs demo load test fuzz bench fmt lint protos map release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the mesh, buy something for show, stay until Ctrl-C
	@exec scripts/mesh.sh run

up: ## start the mesh detached and return once it is ready
	@scripts/mesh.sh up

stop: ## stop what up or run started
	@scripts/mesh.sh stop

logs: ## follow the log of every app
	@exec scripts/mesh.sh logs

demo: ## buy through REST as a new customer, step by step
	@scripts/mesh.sh ensure && exec scripts/souk.sh demo

load: ## import a catalogue, resumable: make load FILE=products.jsonl.gz
	@test -n "$(FILE)" || { echo "usage: make load FILE=products.jsonl[.gz]" >&2; exit 2; }
	@scripts/mesh.sh ensure && exec scripts/souk.sh load "$(FILE)" $(if $(LIMIT),--limit $(LIMIT))

test: ## build and run every test: make test [FILTER='FullyQualifiedName~Cart|FullyQualifiedName~Hold']
	@scripts/test.sh "$(FILTER)"

fuzz: ## send a million broken requests to the gateway, some minutes: make fuzz [COUNT=1000000]
	@SOUK_FUZZ=$(or $(COUNT),1000000) scripts/test.sh "FullyQualifiedName~Souk.Tests.Gateway.Fuzz"

bench: ## measure under load: make bench [SECONDS_EACH=10] [PART=mesh|sidecar|gateway|holds|soak]
	@scripts/bench.sh $(or $(SECONDS_EACH),10) $(PART)

fmt: ## format the sources
	@dotnet tool restore >/dev/null && dotnet csharpier format .

lint: ## check format, scripts and the repository's own rules
	@dotnet tool restore >/dev/null && dotnet csharpier check .
	@if command -v shellcheck >/dev/null; then shellcheck -x -P scripts scripts/*.sh .ci/run; fi
	@scripts/test.sh FullyQualifiedName~Souk.Tests.Repo

protos: ## compile the contracts alone
	@dotnet build protos -c Release -nologo -v quiet

map: ## write services/RPCS.md anew
	@SOUK_UPDATE=map dotnet test tests/Tests.csproj -c Release -nologo --filter FullyQualifiedName~Repo.CodeMapTests.Map

release: ## make the present contracts the baseline of the breaking-change test
	@SOUK_UPDATE=baseline dotnet test tests/Tests.csproj -c Release -nologo --filter FullyQualifiedName~Repo.ProtoBreakingTests

clean: ## stop, and delete builds, logs and all data under .run
	@scripts/mesh.sh stop
	@for set in main $$(cd .run 2>/dev/null && ls -d */postgres 2>/dev/null | cut -d/ -f1); do SOUK_SET=$$set scripts/backends.sh destroy; done
	@rm -rf artifacts .run
