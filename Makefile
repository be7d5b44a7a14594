# SPDX-License-Identifier: Apache-2.0
#
# A thin front for Meson. Two commands do all the set-up on a fresh Debian 12:
#
#   make demo    the main job on real video, with a partition and a drain
#   make check   every test
#
# and these are for every day:
#
#   make             set up, build, leave the relocatable tree stage/
#   make quick       build and unit tests only, no set-up, no sanitizers
#   make bench       short form of every benchmark   (BENCH=name, JSON=1, FULL=1: the long one;
#                    PEERS=1: other people's logs beside the outbox, installed when missing)
#   make prove       the long explorations
#   make fuzz        the fuzz targets, a minute each   (T=target, S=seconds)
#   make coverage    a coverage report in build-coverage/
#   make format      clang-format over the tree
#   make install     stage/ to $(DESTDIR)$(PREFIX)   (PREFIX=/usr/local)
#   make clean       remove what was built; the download cache stays
#
# Downloads lie outside the tree: HOLDFAST_CACHE, else ~/.cache/holdfast.

SHELL   := /bin/bash
PREFIX  ?= /usr/local
CACHE   := $(or $(HOLDFAST_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/holdfast)
MESON   := meson setup --prefix=/ --libexecdir=libexec --libdir=lib --bindir=bin --datadir=share \
	   -Dort=$(CACHE)/ort -Dmodel=$(CACHE)/model/person-480x288

.PHONY: all setup build quick check demo bench prove fuzz coverage format install clean

all: build

setup:
	@tools/setup

build: setup
	@tools/build $(MESON)

quick:
	@test -f build/build.ninja || { echo "make quick needs a build: run make once" >&2; exit 1; }
	@ninja -C build
	@meson test -C build --suite unit --suite house --print-errorlogs

check: build
	@tools/check $(MESON)

demo: build
	@tools/demo.mjs $(if $(KEEP),--keep)

bench: build
	@tools/bench $(BENCH) $(if $(JSON),--json)

prove: build
	@tools/check --prove $(MESON)

fuzz: setup
	@tools/fuzz $(or $(T),all) $(or $(S),60)

coverage: setup
	@tools/coverage $(MESON)

format:
	@git ls-files '*.c' '*.h' ':!*_tbl.h' | xargs clang-format -i

install: build
	@mkdir -p "$(DESTDIR)$(PREFIX)"
	@cp -a --no-preserve=ownership --remove-destination stage/. "$(DESTDIR)$(PREFIX)/"
	@sed -i 's|^ExecStart=/usr/bin/|ExecStart=$(PREFIX)/bin/|' \
		"$(DESTDIR)$(PREFIX)"/lib/systemd/system/holdfast*.service
	@echo "installed to $(DESTDIR)$(PREFIX)"

clean:
	@rm -rf build build-* stage stage.new demo
