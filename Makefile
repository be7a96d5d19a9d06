# cloister: documents in, labelled and cited results out, on a machine without a network.
#
#   make          build ./cloister and ./cloister-parse
#   make demo     install what is needed, build, fetch the model once, run on examples/documents
#   make check    install what is needed, build, run every test; ends with "N passed, N failed"
#   make help     every target
#
# Variants live side by side under build/:  make BUILD=asan test   (release debug asan cov)

BUILD ?= release
OUT   := build/$(BUILD)
CC    := $(if $(filter default,$(origin CC)),gcc,$(CC))
AR    ?= ar
PREFIX ?= /usr/local

# make V=1 shows the commands.
Q    := $(if $(V),,@)
show  = $(if $(V),,@echo "$(1)	$(2)")

# ---- the whole architecture: which folder may include which -------------------
USES_ingest   :=
USES_policies :=
USES_infer    :=
USES_store    :=
USES_pipeline := ingest policies infer store
USES_cmd      := pipeline $(USES_pipeline)
FOLDERS := ingest policies infer store pipeline

# ---- and which third-party libraries it may see --------------------------------
PKGS_ingest   := poppler-glib gio-2.0 cairo freetype2 fontconfig libxml-2.0 icu-uc icu-i18n libseccomp
PKGS_policies := libxml-2.0 libpcre2-8
PKGS_infer    := openblas icu-uc libpcre2-8 jansson
PKGS_store    := sqlite3 nettle hogweed
PKGS_pipeline := icu-uc icu-i18n
PKGS_cmd      := jansson

# ---- flags ---------------------------------------------------------------------
WARN := -std=c11 -Wall -Wextra -Wshadow -Wvla -Wconversion -Wstrict-prototypes \
        -Wmissing-prototypes -Wpointer-arith -Wundef -Werror
FLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2
FLAGS_debug   := -O0 -g
# Sanitizers and coverage make system calls of their own: lists are not installed there.
FLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -DSANDBOX_NOT_ENFORCED
FLAGS_cov     := -O0 -g --coverage -DSANDBOX_NOT_ENFORCED
# The kernels of AVX-512 through SIMDe, for a CPU that lacks it; needs AVX2.
FLAGS_simde   := -O2 -g -DCLOISTER_SIMDE
FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
HARDEN := -fPIE -fstack-protector-strong -ffp-contract=off
CFLAGS   := $(FLAGS_$(BUILD)) $(HARDEN) -fopenmp
CPPFLAGS := -I. -I$(OUT) -D_GNU_SOURCE
LDFLAGS  := -pie -Wl,-z,relro,-z,now -Wl,--as-needed

# ---- the sealed build: static programs without network functions ------------------
# Poppler's core and libxml2 are built from Debian's sources (tools/sealed-deps.sh);
# the one C++ file and ink_none.c stand in place of what needs glib or cairo. Files for
# ELSEWHERE belong to the other kind of build.
ifeq ($(BUILD),sealed)
DEPS          := $(OUT)/deps
ELSEWHERE     := $(patsubst %,ingest/%.c,book_glib charmaps ink margin paint typeface)
SEALED_ingest := $(OUT)/ingest/book_core.o
SEALED_LIBS   := $(OUT)/tools/sealed-stubs.o $(DEPS)/poppler/libpoppler.a $(DEPS)/libxml2/libxml2.a
PKGS_ingest   := freetype2 libjpeg zlib icu-uc icu-i18n libseccomp
PKGS_policies := icu-uc libpcre2-8
PKG_STATIC    := --static
SEALED_CXX    := -lstdc++
FLAGS_sealed  := -O2 -g -D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections
CPPFLAGS      += -DCLOISTER_SEALED -isystem $(DEPS)/src/libxml2/include -isystem $(DEPS)/libxml2
CORE_FLAGS    := -std=c++17 -fno-exceptions -Wall -Wextra -Wshadow -Wconversion -Werror \
    $(patsubst %,-isystem $(DEPS)/%,$(foreach f,. poppler goo fofi,src/poppler/$f poppler/$f))
CFLAGS        := $(FLAGS_sealed) $(HARDEN) -fopenmp
LDFLAGS       := -static-pie -Wl,-z,relro,-z,now -Wl,--gc-sections,--wrap=dlopen
$(SEALED_ingest): ingest/book_core.cc
	@mkdir -p $(@D)
	$(call show,c++,$<)
	$(Q)$(CXX) -I. $(CORE_FLAGS) $(FLAGS_sealed) $(HARDEN) -MMD -MP -c -o $@ $<
# cmocka is to be had as a shared library only.
$(OUT)/tests/%: LDFLAGS := -pie -Wl,-z,relro,-z,now,--wrap=dlopen
else
ELSEWHERE     := ingest/ink_none.c
endif

# Asked once a folder, only when something of that folder is built, so that
# `make demo` can install pkg-config first.
pkg_cflags = $(eval PKG_CFLAGS_$(1) := $$(if $$(PKGS_$(1)),$$(shell pkg-config --cflags $$(PKGS_$(1)))))$(PKG_CFLAGS_$(1))
pkg_libs   = $(eval PKG_LIBS_$(1) := $$(shell pkg-config $(PKG_STATIC) --libs $$(sort $$(foreach f,$(1) $$(USES_$(1)),$$(PKGS_$$(f))))))$(PKG_LIBS_$(1)) $(SEALED_CXX) -lm

# ---- libraries: one per folder ---------------------------------------------------
# ingest/parse_main.c is the main of the program cloister-parse, not part of libingest.a.
src  = $(filter-out ingest/parse_main.c $(ELSEWHERE),$(sort $(wildcard $(1)/*.c $(1)/*/*.c)))
objs = $(patsubst %.c,$(OUT)/%.o,$(call src,$(1))) $(SEALED_$(1))
libs = $(patsubst %,$(OUT)/lib%.a,$(1))

.DEFAULT_GOAL := all
all: cloister cloister-parse                    ## build ./cloister and ./cloister-parse

# The programs look for policies/ and models/ beside their own files.
BIN := $(OUT)/bin
cloister cloister-parse: %: $(BIN)/% | $(BIN)/policies $(BIN)/models
	@ln -sfn $< $@
$(BIN)/policies $(BIN)/models:
	@mkdir -p $(@D)
	@ln -sfn ../../../$(@F) $@

$(BIN)/cloister: $(call objs,cmd) $(call libs,pipeline $(USES_pipeline)) $(SEALED_LIBS)
	$(call show,link,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg_libs,cmd)

$(BIN)/cloister-parse: $(OUT)/ingest/parse_main.o $(OUT)/libingest.a $(SEALED_LIBS)
	$(call show,link,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg_libs,ingest)

define library
$(OUT)/lib$(1).a: $(call objs,$(1))
	@rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call library,$(f))))

# A file named x.avx2.c holds code for one instruction set; its name picks the flags.
ISA_avx2    := -mavx2 -mfma -mf16c
ISA_avxvnni := $(ISA_avx2) -mavxvnni
ISA_avx512  := $(ISA_avx2) -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni
# Clang takes minutes to instrument a kernel, and no fuzz target runs one.
KERNELS_fuzz := -fno-sanitize=all
ifeq ($(BUILD),simde) # kernels of AVX-512 on a CPU with AVX2, instruction by instruction
ISA_avxvnni := $(ISA_avx2)
ISA_avx512  := $(ISA_avx2)
endif
folder = $(firstword $(subst /, ,$(patsubst tests/%,%,$(1))))
isa    = $(ISA_$(subst .,,$(suffix $(basename $(1)))))
$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(call show,cc,$<)
	$(Q)$(CC) $(CPPFLAGS) $(call pkg_cflags,$(call folder,$<)) $(WARN) $(CFLAGS) $(call isa,$<) $(if $(call isa,$<),$(KERNELS_$(BUILD))) -MMD -MP -c -o $@ $<

# Text that the programs carry inside: x.sql and x.rng become x.sql.h, x.rng.h.
$(OUT)/%.h: %
	@mkdir -p $(@D)
	@tools/embed-text.sh $< >$@
$(OUT)/store/db.o: $(OUT)/store/schema.sql.h
$(OUT)/policies/load.o: $(OUT)/policies/policy.rng.h

# ---- tests: tests/F/x_test.c links libF and what F may use, nothing else --------
TEST_SRC := $(sort $(wildcard $(foreach f,$(FOLDERS),tests/$(f)/*_test.c)))
TESTS    := $(patsubst %.c,$(OUT)/%,$(TEST_SRC))
SUPPORT  := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard tests/support/*.c)))
define test_rule
$(OUT)/tests/$(1)/%_test: $(OUT)/tests/$(1)/%_test.o $(SUPPORT) $(call libs,$(1) $(USES_$(1))) $(SEALED_LIBS)
	$$(call show,link,$$@)
	$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$(call pkg_libs,$(1))
test-$(1): $(filter $(OUT)/tests/$(1)/%,$(TESTS))
	tests/run.sh $(OUT) $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call test_rule,$(f))))

# What the .bats files start besides cloister.
HELPERS := $(patsubst %.c,$(OUT)/%,$(sort $(wildcard tests/cmd/*.c)))
$(OUT)/tests/cmd/%: $(OUT)/tests/cmd/%.o
	$(call show,link,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# Some tests start the real program.
test-ingest test-pipeline: | $(BIN)/cloister-parse

# ---- fuzz targets: linked with the fuzzer (BUILD=fuzz CC=clang), once more with a
# fault planted that must be found, and with a main that replays what was found once;
# see tests/fuzz/run.sh -------------------------------------------------------------
FUZZ_SRC := $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZERS  := $(patsubst %.c,$(OUT)/%,$(FUZZ_SRC))
CANARIES := $(patsubst %_fuzz.c,$(OUT)/%_canary,$(FUZZ_SRC))
REPLAYS  := $(patsubst tests/data/fuzz/%,$(OUT)/tests/fuzz/%_replay,$(sort $(wildcard tests/data/fuzz/*)))
PKGS_fuzz := $(foreach f,$(FOLDERS),$(PKGS_$(f)))
fuzzers: $(FUZZERS) $(CANARIES)
$(OUT)/tests/fuzz/%_canary.o: tests/fuzz/%_fuzz.c
	@mkdir -p $(@D)
	$(call show,cc,$< with its canary)
	$(Q)$(CC) $(CPPFLAGS) -DCANARY $(call pkg_cflags,fuzz) $(WARN) $(CFLAGS) -MMD -MP -c -o $@ $<
$(FUZZERS) $(CANARIES): $(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/%.o $(call libs,pipeline $(USES_pipeline))
	$(call show,link,$@)
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(call pkg_libs,fuzz)
$(OUT)/tests/fuzz/%_replay: $(OUT)/tests/fuzz/%_fuzz.o $(OUT)/tests/fuzz/replay.o $(call libs,pipeline $(USES_pipeline))
	$(call show,link,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg_libs,fuzz)

# ---- what a newcomer types --------------------------------------------------------
# tools/setup.sh installs Debian packages when some are missing; the real work is
# done by a second make, which may then ask pkg-config.
AGAIN = $(MAKE) --no-print-directory -j$$(nproc)
demo:                                           ## install, build, fetch the model, run on examples/documents
	@tools/setup.sh build model
	@$(AGAIN) all models
	@tools/demo.sh

demo-model: language-model                      ## the demo once more, with a language model beside the encoder
	@tools/demo.sh contracts-model --model $(notdir $(LANGUAGE_MODEL))

check:                                          ## install, build, run every test: "N passed, N failed"
	@tools/setup.sh build model test
	@$(AGAIN) all models layers warnings
	@$(AGAIN) BUILD=simde $(SIMDE_TESTS)
	@$(AGAIN) test

MODELS := models/all-minilm-l6-v2.q8_0.gguf models/all-minilm-l6-v2.f32.gguf
models: $(MODELS)                               ## fetch the default model once and convert it
$(MODELS) &: | all
	tools/fetch-model.sh encoder

# 93 MB that no test needs: fetched when asked for, installed when there.
LANGUAGE_MODEL := models/smollm2-135m-instruct.q4_1.gguf
language-model:                                 ## fetch the language model of the examples once
	@tools/setup.sh build model
	@$(AGAIN) all models $(LANGUAGE_MODEL)
$(LANGUAGE_MODEL): | all
	tools/fetch-model.sh language-model

# The tests of the kernels once more, as `make check` built them against SIMDe.
SIMDE_TESTS := $(patsubst %,build/simde/tests/infer/%_test,formats q8_0 f32 ops attention \
    attention_cached sample digests forward_encoder)
test: $(TESTS) $(REPLAYS) $(OUT)/tests/fuzz/mutate $(HELPERS) all                   ## build and run every test
	@tests/run.sh $(OUT) $(TESTS) $(REPLAYS) $(wildcard $(SIMDE_TESTS)) $(sort $(wildcard tests/cmd/*.bats))

layers: all                                    ## hold the include rules; one owner for each symbol; no network
	@tools/check-layers.sh $(foreach f,$(FOLDERS) cmd,"$(f):$(USES_$(f))")
	@tools/check-symbols.sh $(BIN)/cloister $(call libs,$(FOLDERS))
	@tools/check-network.sh $(call libs,$(FOLDERS)) $(call objs,cmd) $(OUT)/ingest/parse_main.o

# The other compiler reads everything too; objects of its own, nothing linked.
CLANG_OBJS := $(patsubst %.c,build/clang/%.o,$(foreach f,$(FOLDERS) cmd,$(call src,$(f))) ingest/parse_main.c)
warnings:                                       ## compile everything with clang as well
	@$(MAKE) --no-print-directory -s BUILD=clang CC=clang $(CLANG_OBJS)
	@echo "clang: no warnings in $(words $(CLANG_OBJS)) files"

asan:                                           ## the tests under ASan and UBSan
	@tools/setup.sh build model test
	@$(AGAIN) models
	@$(AGAIN) BUILD=asan test

SEALED := $(patsubst %,build/sealed/bin/%,cloister cloister-parse)
sealed:                                         ## build/sealed/bin: both programs static, without network functions
	@tools/setup.sh build sealed
	@tools/sealed-deps.sh build/sealed/deps
	@$(AGAIN) BUILD=sealed $(SEALED) build/sealed/bin/policies build/sealed/bin/models
	@tools/check-sealed.py $(SEALED)

FUZZ_SECONDS ?= 60
fuzz:                                           ## every fuzz target for FUZZ_SECONDS each
	@tools/setup.sh build test fuzz
	@tests/fuzz/run.sh $(FUZZ_SECONDS)

# Real files damaged at random; `make test` tries a few hundred.
MUTATIONS ?= 10000
SEED      ?= 1
$(OUT)/tests/fuzz/mutate: $(OUT)/tests/fuzz/mutate.o
	$(call show,link,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
mutations: all models $(OUT)/tests/fuzz/mutate  ## run MUTATIONS=10000 damaged documents of SEED=1 through
	@tests/fuzz/mutations.sh $(OUT) $(MUTATIONS) $(SEED)

BENCHES := $(patsubst %.c,$(OUT)/%,$(sort $(wildcard tests/bench/*_bench.c)))
PKGS_bench := $(PKGS_fuzz)
$(OUT)/tests/bench/%_bench: $(OUT)/tests/bench/%_bench.o $(call libs,pipeline $(USES_pipeline))
	$(call show,link,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg_libs,bench)
bench: all models $(BENCHES)                    ## measure: encoder, decoder, reader, store
	@tests/bench/run.sh $(OUT)

install: all models                             ## install under PREFIX (default /usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/cloister \
	    $(DESTDIR)$(PREFIX)/share/cloister/policies $(DESTDIR)$(PREFIX)/share/cloister/models \
	    $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install $(BIN)/cloister $(DESTDIR)$(PREFIX)/bin/
	install $(BIN)/cloister-parse $(DESTDIR)$(PREFIX)/libexec/cloister/
	install -m 644 policies/*.xml policies/*.prior $(DESTDIR)$(PREFIX)/share/cloister/policies/
	install -m 644 $(MODELS) $(wildcard $(LANGUAGE_MODEL)) $(DESTDIR)$(PREFIX)/share/cloister/models/
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 completions/cloister.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/cloister
	install -m 644 completions/cloister.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_cloister
	install -m 644 completions/cloister.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/cloister.fish

clean:                                          ## remove what was built
	rm -rf build demo cloister cloister-parse

help:                                           ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

.PRECIOUS: $(OUT)/%.o $(OUT)/%.h
.PHONY: all demo demo-model check models language-model test fuzzers layers warnings asan sealed fuzz mutations bench install clean help $(patsubst %,test-%,$(FOLDERS))
-include $(patsubst %.c,$(OUT)/%.d,$(foreach f,$(FOLDERS) cmd,$(call src,$(f))) ingest/parse_main.c $(TEST_SRC) $(FUZZ_SRC) tests/fuzz/replay.c tests/fuzz/mutate.c $(wildcard tests/bench/*.c)) $(SEALED_ingest:.o=.d)
