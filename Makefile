# make demo   the whole appliance on the emulated board; SOURCE=/some/dir names the data, LANG_UI=ja the language
# make test   every check there is: style, types, layers, dead code, words, tests (DEPTH=ci: full counts)
# make bench  Iwato beside restic and borg on the same work; writes the table into README.md (BENCH="--scale 0.25")
# make firmware  the interlock's image for the RP2040: size, stack bound, SHA-256 (into build/firmware)
# make lint   the checks that need no test run
# make words  extract sentences, update the Japanese catalogue, write RUNBOOK.md, WIRING.md and BOM.md
# make cover  branch coverage of the tests that run in one process
# make lock   renew requirements.lock from pyproject.toml (needs uv)
#
# All set-up happens by itself: .venv is made from requirements.lock with --require-hashes. Where the
# system lacks something, root on Debian gets it installed, anybody else is told the one line to type.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup demo test bench firmware lint words cover lock facilities clean

VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/complete
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

# program:Debian package that the benchmark, or some test, needs
BENCHED := restic:restic borg:borgbackup mke2fs:e2fsprogs
COMPILERS := arm-none-eabi-gcc:gcc-arm-none-eabi
PROGRAMS := ssh-keygen:openssh-client tmux:tmux openssl:openssl setpriv:util-linux unshare:util-linux ip:iproute2 umockdev-wrapper:umockdev \
  mkfs.ext4:e2fsprogs fusermount3:fuse3 cc:build-essential $(COMPILERS)
PROGRAMS += systemd-analyze:systemd # judges the daemon's unit
PROGRAMS += zbarimg:zbar-tools # reads our QR codes in the tests
PROGRAMS += curl:curl cppcheck:cppcheck clang-tidy:clang-tidy clang:clang clang:libclang-rt-dev # the interlock's C
PROGRAMS += chromium:chromium # the report

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

# Set-up ----------------------------------------------------------------------------------------------

# The first Python that is new enough and can make environments; empty where there is none.
define find_python
for name in python3.11 python3.12 python3.13 python3.14 python3; do \
  path=$$(command -v $$name) || continue; \
  "$$path" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$path"; break; }; \
done
endef

# One quiet apt-get install, for root on Debian; says the line to type otherwise and fails.
define apt_install
apt_install() { \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo "installing Debian packages: $$*"; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get -qq install -y --no-install-recommends "$$@" >/dev/null 2>&1 \
      || { apt-get -qq update && apt-get -qq install -y --no-install-recommends "$$@" >/dev/null; }; \
  else \
    echo "please type once:  sudo apt-get install $$*"; return 1; \
  fi; }
endef

# Installs the packages of those program:package pairs of $(1) whose program is absent, as far as it may.
define install_lacking
lacking=(); \
for pair in $(1); do PATH="$$PATH:/usr/sbin:/sbin" command -v "$${pair%%:*}" >/dev/null || lacking+=("$${pair##*:}"); done; \
if [ $${#lacking[@]} -gt 0 ]; then apt_install "$${lacking[@]}" || true; fi
endef

$(READY): requirements.lock pyproject.toml
	@set -e; $(apt_install); \
	python=$$($(find_python)); \
	if [ -z "$$python" ]; then apt_install python3 python3-venv; python=$$($(find_python)); fi; \
	if [ -z "$$python" ]; then echo "Iwato needs Python 3.11 or newer with its venv module"; exit 1; fi; \
	echo "setting up $(VENV) with $$python (once; a few minutes on a slow line)"; \
	[ -x $(RUN) ] || "$$python" -m venv $(VENV); \
	$(RUN) -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements.lock; \
	$(RUN) -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --no-index --editable .; \
	touch $(READY)

setup: $(READY)

# What the tests need beyond Python. Whatever stays missing is named here, and its tests are counted as skipped.
facilities: $(READY)
	@$(apt_install); $(call install_lacking,$(PROGRAMS)); \
	$(RUN) -m tests.facilities

# Use -------------------------------------------------------------------------------------------------

demo: $(READY)
	@$(RUN) -m appliance $(if $(LANG_UI),--lang $(LANG_UI)) demo $(if $(SOURCE),--source "$(SOURCE)")

# What is absent is named in the table. Data sets and repositories lie below TMPDIR and are removed.
bench: $(READY)
	@$(apt_install); $(call install_lacking,$(BENCHED)); \
	$(RUN) -m tests.bench --page README.md $(BENCH)

# Where the compiler is absent and may not be installed, the build says the line to type.
firmware: $(READY)
	@$(apt_install); $(call install_lacking,$(COMPILERS)); \
	$(RUN) -m firmware.interlock.build

# Checks ----------------------------------------------------------------------------------------------

lint: $(READY)
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-logo --no-cache
	$(RUN) -m vulture
	$(RUN) -m tests.tidy.catalogue --check
	$(RUN) -m tests.tidy.runbook --check

# Last, so that its closing lines (what was skipped and why, what passed) end the output.
test: lint facilities
	$(RUN) -m pytest -n $(JOBS) --dist worksteal --durations 15

cover: $(READY)
	@mkdir -p .coverage.d && rm -f .coverage.d/*
	$(RUN) -m coverage run -m pytest -q tests/unit tests/contract tests/spec tests/firmware
	$(RUN) -m coverage combine -q && $(RUN) -m coverage report

# Renewal ---------------------------------------------------------------------------------------------

words: $(READY)
	$(RUN) -m tests.tidy.catalogue --write
	$(RUN) -m tests.tidy.runbook --write
	$(RUN) -m hw.wiring --write

lock:
	@uv=$$(command -v uv || echo $(VENV)/bin/uv); \
	{ sed -n '/^#/p;/^[^#]/q' requirements.lock; \
	  "$$uv" pip compile pyproject.toml --extra test --generate-hashes --universal --python-version 3.11 \
	    --no-header --no-emit-index-url --no-annotate --quiet; } > requirements.lock.new && mv requirements.lock.new requirements.lock

clean:
	rm -rf $(VENV) .tools build *.egg-info .coverage.d .mypy_cache .ruff_cache .pytest_cache .hypothesis
