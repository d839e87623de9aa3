# SPDX-License-Identifier: ISC
#
# One Makefile for the whole tree, for GNU make; it does not call itself except
# to build a second time in another way (asan, fuzz, cover).  Everything that is
# made lies in build/.  Without ./configure it runs ./configure by itself.
#
#   BUILD=dir     build there instead (dir/config.mk is used if it exists)
#   WERROR=1      a warning is an error
#   V=1           show the commands
#   RECORD=1      make ledger, bench: what was measured is recorded
#   MODE=...      how to build: empty, asan, fuzz or cover

BUILD	?= build
MODE	?=
Q	= $(if $(V),,@)
CONFIG	:= $(firstword $(wildcard $(BUILD)/config.mk) build/config.mk)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all units helpers check check-all asan fuzz install uninstall clean \
	distclean dist cover FORCE

ifeq ($(filter clean distclean,$(MAKECMDGOALS)),)
include $(CONFIG)
endif

$(CONFIG): configure
	./configure $(CONFIGURED_WITH) --builddir=$(@D)

include/config.h: | $(CONFIG)
	@test -f $@ || ./configure $(CONFIGURED_WITH) --builddir=$(dir $(CONFIG))

# ---------------------------------------------------------------- flags

# As many jobs as processors, unless the caller said how many.
ifeq ($(MAKELEVEL)$(filter -j% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

WARN	= -Wall -Wextra -Wconversion -Wshadow -Wvla -Wformat=2 \
	  -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef
ifdef WERROR
WARN	+= -Werror
endif

ifeq ($(MODE),asan)
CC	= gcc
FORTIFY	= -U_FORTIFY_SOURCE
HARDEN	= -fsanitize=address,undefined -fno-sanitize-recover=all \
	  -fno-omit-frame-pointer
# What the sanitizer wraps it must find: modules of PAM call crypt_r.
HARDEN_LD = -fsanitize=address,undefined -Wl,--push-state,--no-as-needed \
	  -lcrypt -Wl,--pop-state
else ifeq ($(MODE),fuzz)
CC	= clang
FORTIFY	= -U_FORTIFY_SOURCE
HARDEN	= -fsanitize=fuzzer-no-link,address,undefined \
	  -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDEN_LD = -fsanitize=fuzzer,address,undefined
else ifeq ($(MODE),cover)
CC	= gcc
FORTIFY	= -U_FORTIFY_SOURCE
HARDEN	= -O0 --coverage
HARDEN_LD = --coverage
CFLAGS	= -g
endif

C_FLAGS	= -std=c17 -D_GNU_SOURCE $(FORTIFY) $(HARDEN) -iquote include \
	  -iquote src $(WARN) $(CFLAGS)
COMPILE	= $(CC) $(C_FLAGS) -MMD -MP
LINK	= $(CC) $(C_FLAGS) $(LDFLAGS) $(HARDEN_LD)

# ---------------------------------------------------------------- sources

LIB	= $(BUILD)/libgodwit.a
SRCS	= $(filter-out src/bin/%,$(wildcard src/*/*.c))
OBJS	= $(SRCS:src/%.c=$(BUILD)/obj/%.o)
BINS	= $(filter godwitd sendmail drop godwit,$(basename $(notdir $(wildcard src/bin/*.c))))
PROGS	= $(BINS:%=$(BUILD)/%)
UNITS	= $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))
# Small programs that the other kinds of test want.
HELPERS	= $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/talk/*.c tests/house/*.c tests/fault/*.c tests/ledger/*.c tests/demo/*.c))
FUZZERS	= $(patsubst tests/fuzz/%.c,$(BUILD)/fuzzers/%,$(wildcard tests/fuzz/*.c))
MANS	= $(wildcard man/*.1 man/*.5 man/*.8)

all: $(PROGS) $(LIB)
	@:
units: $(UNITS)
	@:
helpers: $(HELPERS)
	@:

# ---------------------------------------------------------------- building

# These two change only when what they say changes: other flags build everything
# again, and a source that has gone leaves the library.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(LINK) $(LIBS)' | cmp -s - $@ || echo '$(COMPILE) $(LINK) $(LIBS)' >$@
$(BUILD)/objects: FORCE
	@mkdir -p $(@D)
	@echo '$(OBJS)' | cmp -s - $@ || echo '$(OBJS)' >$@

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags | include/config.h
	@mkdir -p $(@D)
	$(if $(V),,@echo 'cc      $@')
	$(Q)$(COMPILE) -c -o $@ $<

$(LIB): $(OBJS) $(BUILD)/objects
	@rm -f $@
	$(if $(V),,@echo 'ar      $@')
	$(Q)ar rcs $@ $(OBJS)

$(PROGS): $(BUILD)/%: $(BUILD)/obj/bin/%.o $(LIB)
	$(if $(V),,@echo 'link    $@')
	$(Q)$(LINK) -o $@ $< $(LIB) $(LIBS)

$(UNITS): $(BUILD)/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	@test -n '$(CMOCKA)' || { echo 'unit tests want cmocka: ./configure --install-deps' >&2; exit 1; }
	$(if $(V),,@echo 'link    $@')
	@rm -f $@
	$(Q)$(LINK) -MMD -MP -iquote tests -o $@ $< $(LIB) $(CMOCKA) $(LIBS)

$(HELPERS): $(BUILD)/%: tests/%.c $(LIB)
	@mkdir -p $(@D)
	$(if $(V),,@echo 'link    $@')
	@rm -f $@
	$(Q)$(LINK) -MMD -MP -iquote tests -o $@ $< $(LIB) $(LIBS)

$(FUZZERS): $(BUILD)/fuzzers/%: tests/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(if $(V),,@echo 'link    $@')
	@rm -f $@
	$(Q)$(LINK) -MMD -MP -iquote tests -o $@ $< $(LIB) $(LIBS)

-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/unit/*.d $(BUILD)/talk/*.d \
	$(BUILD)/house/*.d $(BUILD)/fault/*.d $(BUILD)/ledger/*.d $(BUILD)/demo/*.d \
	$(BUILD)/fuzzers/*.d)

# ---------------------------------------------------------------- tests

# A unit test that does not build is a failed test, not the end of the others:
# tests/run says so for each one whose program is not there.
check: all helpers
	+@$(MAKE) --no-print-directory -k units || true
	@GODWIT_BUILD=$(BUILD) tests/run unit talk law house

check-all: all helpers
	+@$(MAKE) --no-print-directory -k units || true
	@GODWIT_BUILD=$(BUILD) TALK_LONG=1 tests/run unit talk law house-all

asan:
	+@$(MAKE) --no-print-directory BUILD=build/asan MODE=asan all helpers
	+@$(MAKE) --no-print-directory -k BUILD=build/asan MODE=asan units || true
	@GODWIT_BUILD=build/asan tests/run unit talk house fault

FUZZ_SECONDS ?= 20
ifeq ($(MODE),fuzz)
.PHONY: fuzzers
fuzzers: $(FUZZERS)
	@:
endif
fuzz:
	+@$(MAKE) --no-print-directory BUILD=build/fuzz MODE=fuzz fuzzers
	@GODWIT_BUILD=build/fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run fuzz

# Lines that unit and talk reach, the least covered first.
cover:
	+@$(MAKE) --no-print-directory BUILD=build/cover MODE=cover all helpers
	+@$(MAKE) --no-print-directory -k BUILD=build/cover MODE=cover units || true
	@find build/cover -name '*.gcda' -exec rm -f {} +
	@GODWIT_BUILD=build/cover tests/run unit talk || true
	@gcov -n -r $$(find build/cover/obj -name '*.gcno') 2>/dev/null | awk -F"'" \
	    '/^File/ { f = $$2 } /^Lines/ { split($$0, a, /[:% ]+/); \
	    if (f ~ /^src/) printf "%6.2f%%  %5d lines  %s\n", a[3], a[5], f; f = "" }' | sort -n

# Targets that exist as soon as there is something behind them.
ifneq ($(wildcard tests/fault/run),)
.PHONY: fault
fault: all helpers
	@GODWIT_BUILD=$(BUILD) tests/run fault
endif
# Beside the peers; BENCH= for the options of tests/bench/run.
ifneq ($(wildcard tests/bench/run),)
.PHONY: bench
bench: all
	@GODWIT_BUILD=$(BUILD) tests/bench/run $(if $(QUICK),--quick) $(if $(RECORD),--record) $(BENCH)
endif
# What each thing costs; RECORD=1 to write tests/ledger/LEDGER anew.
ifneq ($(wildcard tests/ledger/run),)
.PHONY: ledger
ledger: all helpers
	@GODWIT_BUILD=$(BUILD) LEDGER_RECORD=$(RECORD) tests/ledger/run
endif
ifneq ($(wildcard tests/demo/run),)
.PHONY: demo
demo: all $(BUILD)/demo/speak
	@GODWIT_BUILD=$(BUILD) tests/demo/run
endif
ifneq ($(wildcard tests/demo/play),)
.PHONY: play
play: all
	@GODWIT_BUILD=$(BUILD) tests/demo/play
endif
ifneq ($(wildcard tests/demo/talk),)
.PHONY: talk
talk: all
	@GODWIT_BUILD=$(BUILD) tests/demo/talk
endif

# ---------------------------------------------------------------- install

INSTALL	= install
D	= $(DESTDIR)
confdir	= $(sysconfdir)/godwit
unitdir	= $(prefix)/lib/systemd/system
NAMES	= mailq newaliases rmail
SAMPLES	= $(notdir $(wildcard etc/*.conf))
PATHS	= sed -e 's|@sbindir@|$(sbindir)|g' -e 's|@libexecdir@|$(libexecdir)|g' \
	  -e 's|@sysconfdir@|$(sysconfdir)|g' -e 's|@spooldir@|$(spooldir)|g' \
	  -e 's|@rundir@|$(rundir)|g'
am_root	= test "$$(id -u)" = 0 && test -z '$(DESTDIR)'

define make_accounts
if $(am_root); then \
	getent group godwitdrop >/dev/null || groupadd --system godwitdrop || exit 1; \
	for u in godwit godwitq godwitk godwita; do \
		getent passwd $$u >/dev/null || useradd --system --user-group \
		    --no-create-home --home-dir /nonexistent \
		    --shell /usr/sbin/nologin --comment 'godwit mail' $$u || exit 1; \
	done; \
fi
endef

# The spool and the run directory are made by godwitd when it starts.
install: all
	@$(make_accounts)
	$(INSTALL) -d '$D$(sbindir)' '$D$(bindir)' '$D$(libexecdir)/godwit' '$D$(confdir)'
	@set -e; for p in $(filter-out drop,$(BINS)); do \
		echo "install $(sbindir)/$$p"; \
		$(INSTALL) -m 755 $(BUILD)/$$p '$D$(sbindir)'/$$p; \
	done
ifneq ($(filter sendmail,$(BINS)),)
	@set -e; for n in $(NAMES); do \
		echo "link $(bindir)/$$n"; \
		ln -sf '$(sbindir)/sendmail' '$D$(bindir)'/$$n; \
	done
endif
ifneq ($(filter drop,$(BINS)),)
	@echo "install $(libexecdir)/godwit/drop"
	@if $(am_root); then \
		$(INSTALL) -g godwitdrop -m 2755 $(BUILD)/drop '$(libexecdir)/godwit/drop'; \
	else \
		$(INSTALL) -m 755 $(BUILD)/drop '$D$(libexecdir)/godwit/drop' && \
		echo "note: drop wants group godwitdrop and mode 2755 where it will run"; \
	fi
endif
	@set -e; for m in $(MANS); do \
		d='$D$(mandir)'/man$${m##*.}; \
		$(INSTALL) -d "$$d"; echo "install $$d/$${m##*/}"; \
		$(INSTALL) -m 644 $$m "$$d"; \
	done
	@set -e; for f in $(SAMPLES); do \
		if test -e '$D$(confdir)'/$$f; then \
			echo "keep    $(confdir)/$$f"; \
		else \
			echo "install $(confdir)/$$f"; \
			$(INSTALL) -m 644 etc/$$f '$D$(confdir)'/$$f; \
		fi; \
	done
	@set -e; if test -f etc/godwit.service; then \
		echo "install $(unitdir)/godwit.service"; \
		$(INSTALL) -d '$D$(unitdir)'; \
		$(PATHS) etc/godwit.service >'$D$(unitdir)/godwit.service'; \
		chmod 644 '$D$(unitdir)/godwit.service'; \
	fi
	@set -e; if test -f etc/godwit.init; then \
		to='$(sysconfdir)/init.d/godwit'; \
		$(INSTALL) -d '$D$(sysconfdir)/init.d'; \
		$(PATHS) etc/godwit.init >$(BUILD)/godwit.init; \
		if test -e "$D$$to" && ! cmp -s $(BUILD)/godwit.init "$D$$to"; then \
			echo "keep    $$to (this one differs: $(BUILD)/godwit.init)"; \
		else \
			echo "install $$to"; \
			$(INSTALL) -m 755 $(BUILD)/godwit.init "$D$$to"; \
		fi; \
	fi
	@set -e; if test -f etc/aliases; then \
		to='$(sysconfdir)/aliases'; \
		if test -e "$D$$to" || test -h "$D$$to"; then \
			echo "keep    $$to"; \
		else \
			echo "install $$to"; \
			$(INSTALL) -m 644 etc/aliases "$D$$to"; \
		fi; \
		test -e "$D$$to.db" || echo "note: $$to is not compiled yet; run newaliases"; \
	fi

# A service whose files go is stopped first, and forgotten.
define forget_service
if $(am_root) && test -f '$(unitdir)/godwit.service'; then \
	if test -d /run/systemd/system; then \
		systemctl disable --now godwit.service; \
	elif test -x '$(sysconfdir)/init.d/godwit'; then \
		'$(sysconfdir)/init.d/godwit' stop; \
	fi; \
	! command -v update-rc.d >/dev/null || update-rc.d -f godwit remove; \
fi
endef

# Takes away what install put.  A configuration that was changed stays, and so
# do the aliases, the accounts and the spool: there may be mail in it.
uninstall:
	-@$(forget_service)
	rm -f '$D$(sbindir)/godwitd' '$D$(sbindir)/sendmail' '$D$(sbindir)/godwit'
	@for n in $(NAMES); do \
		case $$(readlink '$D$(bindir)'/$$n) in \
		'$(sbindir)/sendmail') rm -f '$D$(bindir)'/$$n ;; \
		esac; \
	done
	rm -f '$D$(libexecdir)/godwit/drop'
	@for m in $(MANS); do rm -f '$D$(mandir)'/man$${m##*.}/$${m##*/}; done
	@for f in $(SAMPLES); do \
		if cmp -s etc/$$f '$D$(confdir)'/$$f; then rm -f '$D$(confdir)'/$$f; \
		elif test -e '$D$(confdir)'/$$f; then echo "keep    $(confdir)/$$f"; fi; \
	done
	rm -f '$D$(unitdir)/godwit.service'
	@$(PATHS) etc/godwit.init | cmp -s - '$D$(sysconfdir)/init.d/godwit' && \
	    rm -f '$D$(sysconfdir)/init.d/godwit' || true
	-@rmdir '$D$(libexecdir)/godwit' '$D$(libexecdir)' '$D$(confdir)' '$D$(unitdir)' \
	    '$D$(dir $(unitdir))' $(patsubst .%,'$D$(mandir)'/man%,$(sort $(suffix $(MANS)))) 2>/dev/null || true

# ---------------------------------------------------------------- the rest

dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=godwit-$(VERSION)/ -o build/godwit-$(VERSION).tar.gz HEAD

# What configure found is kept; distclean forgets that too.
clean:
	@test ! -d build || find build -mindepth 1 -depth ! -name config.mk -delete 2>/dev/null || true
	@test '$(BUILD)' = build || rm -rf '$(BUILD)/obj' '$(BUILD)/unit'

distclean:
	rm -rf build include/config.h
