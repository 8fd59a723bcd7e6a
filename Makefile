# The front door: short words for what meson and the scripts in tools/ do. A bare `make` explains them.

BUILD ?= build
CC ?= cc
TEXT ?= Hello chat, thanks for the follow!
SAN ?=
comma := ,

.PHONY: help build speak serve check fuzz load load-chat soak bench bench-kernels bench-peers install deb clean
help:
	@echo 'iShowTTS: live speech in a cloned voice'
	@echo
	@echo '  make speak TEXT="Hello chat"   speak a text into speech.wav, and play it if there is a sound device'
	@echo '  make serve [SERVE=options]     the speech server and its page at http://127.0.0.1:27121/'
	@echo '  make build                     build/ishowtts, build/libishowtts.a and .so'
	@echo '  make check                     every test; SAN=address,undefined with sanitizers, CC=clang with clang'
	@echo '  make screenshots               docs/pictures/ anew: every room of the page, in both themes, wide and narrow'
	@echo '  make fuzz [SECONDS=60]         every fuzz target for that long'
	@echo '  make load [LOAD=options]       the server under load: throughput, latency, overload, as a table; five minutes.'
	@echo '                                 SAN=address,undefined or SAN=thread: short, for what sanitizers report'
	@echo '  make load-chat [MINUTES=12]    the live chat under load: latency, floods, a thousand listeners, four hours in MINUTES;'
	@echo '                                 MODEL=checkpoint VOCAB=file VOCODER=folder: latency with that model as well'
	@echo '  make soak [MINUTES=20]         whether its memory grows'
	@echo '  make bench                     speed and memory of synthesis in full size, with random weights'
	@echo '  make bench-peers               the same beside PyTorch, and products beside oneDNN and OpenBLAS, into'
	@echo '                                 docs/PERFORMANCE.md; PEERS_RUNS=5, PEERS_PYTHON=an interpreter with f5-tts'
	@echo '  make bench-kernels             speed of the kernels beside the peak of this CPU'
	@echo '  make install [PREFIX=/usr/local]'
	@echo '  make deb                       a Debian package of it, in build-deb/'
	@echo '  make clean'
	@echo
	@echo 'The first four install what is missing of packages.txt (Debian; asks sudo when it must).'

build:
	@tools/install-packages build
	@tools/build "$(BUILD)" "$(CC)" ""

speak: build
	@$(BUILD)/ishowtts say --play -o speech.wav -- "$(TEXT)"

SERVE ?=
serve: build
	@exec $(BUILD)/ishowtts serve $(SERVE)

check:
	@tools/install-packages test
	@tools/build "$(SAN_BUILD)$(if $(filter clang,$(CC)),-clang)" "$(CC)" "$(SAN)" check

screenshots: build
	@tools/install-packages develop
	@tools/screenshots $(BUILD)/ishowtts

SECONDS ?= 60
fuzz:
	@tools/install-packages develop
	@tools/fuzz "$(SECONDS)"

SAN_BUILD = $(BUILD)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
LOAD ?= $(if $(SAN),--only sanitized)
load:
	@tools/install-packages build
	@tools/build "$(SAN_BUILD)" "$(CC)" "$(SAN)"
	@ninja -C "$(SAN_BUILD)" tests/load/engine_alone >/dev/null
	@tests/load/run "$(SAN_BUILD)" $(LOAD)

MINUTES ?= 20
soak: LOAD = --only soak --minutes "$(MINUTES)"
soak: load

# MINUTES is the soak's own unless somebody says it.
load-chat: build
	@tests/load/chat $(BUILD)/ishowtts $(if $(filter file,$(origin MINUTES)),,--minutes "$(MINUTES)") \
	    $(if $(MODEL),--model "$(MODEL)") $(if $(VOCAB),--vocab "$(VOCAB)") $(if $(VOCODER),--vocoder "$(VOCODER)") $(LOAD_CHAT)

bench-kernels: build
	@$(BUILD)/tests/kern/kerncheck --bench

bench: build
	@$(BUILD)/ishowtts bench $(BENCH)

PEERS_RUNS ?= 5
PEERS_PYTHON ?=
PEERS_OPTIONS ?=
bench-peers:
	@tools/install-packages bench
	@tools/build "$(BUILD)" "$(CC)" ""
	@bench/run-peers "$(BUILD)" "$(PEERS_PYTHON)" --runs "$(PEERS_RUNS)" $(PEERS_OPTIONS)

PREFIX ?= /usr/local
install: build
	meson configure $(BUILD) --prefix "$(PREFIX)" && meson install -C $(BUILD)

# A package for the Debian that this is, with the units for systemd.
deb:
	@tools/install-packages build
	@tools/make-deb

clean:
	rm -rf build build-*
