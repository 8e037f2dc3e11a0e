# SPDX-License-Identifier: MIT
# Mica's build. `make help` lists the targets. New source files need no edit here: folders are searched.

B       ?= build
CC      := gcc
CLANG   := clang
NASM    := nasm
OBJCOPY := objcopy
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# ---------------------------------------------------------------- flags
INCLUDES     := -I. -Iinclude -I$(B)/gen
WARN         := -Wall -Wextra -Werror
FREESTANDING := -std=gnu17 -ffreestanding -O2 -g $(WARN) -mgeneral-regs-only -fno-pic -fno-pie -fno-stack-protector \
                -fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing -fno-common
KERNEL_CFLAGS := $(FREESTANDING) -mno-red-zone -mcmodel=kernel $(INCLUDES)
USER_CFLAGS   := $(FREESTANDING) -mno-red-zone -ffunction-sections -fdata-sections $(INCLUDES)
NASM_FLAGS    := -f elf64 -g -F dwarf -Iinclude/ -I./ -I$(B)/gen/
LINK          := $(CC) -static -nostdlib -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 \
                 -Wl,--no-warn-rwx-segments
HOST_CFLAGS   := -std=gnu17 -g -O1 $(WARN) -mno-red-zone -fno-strict-aliasing -fno-omit-frame-pointer \
                 -fno-sanitize-recover=all $(INCLUDES)
UNIT_CFLAGS   := $(HOST_CFLAGS) -fsanitize=address,undefined
FUZZ_CFLAGS   := $(HOST_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined

# ---------------------------------------------------------------- sources
find_sources = $(sort $(foreach dir,$(1),$(if $(wildcard $(dir)),$(shell find $(dir) -name '*.c' -o -name '*.asm'))))

LIB_C_SRC   := $(call find_sources,lib/c lib/ds)
KERNEL_SRC  := $(call find_sources,ukernel vmx svm) $(LIB_C_SRC)
LIB_SRC     := $(LIB_C_SRC) $(call find_sources,lib/sys)
USER_NAMES  := $(sort $(foreach dir,$(wildcard user/*/),$(if $(wildcard $(dir)*.c),$(notdir $(dir:/=)))))
ACPI_SRC    := $(wildcard vmm-user/load/*.asl)
ACPI_GEN    := $(ACPI_SRC:vmm-user/load/%.asl=$(B)/gen/%.h)
TINY        := $(patsubst guests/tiny/%.asm,%,$(filter-out guests/tiny/ticks.asm,$(wildcard guests/tiny/*.asm)))
TINY_BIN    := $(TINY:%=$(B)/guests/%.bin) $(B)/guests/check.bin
FLOPPY_IMG  := $(patsubst guests/floppy/%.asm,$(B)/guests/floppy/%.img,$(wildcard guests/floppy/*.asm))
UNIT_NAMES  := $(sort $(patsubst tests/unit/test_%.c,%,$(wildcard tests/unit/test_*.c)))
FUZZ_NAMES  := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))

# A program of user land: its name and its sources; vmm, ktest and bench are named for what they are, not for a folder.
$(foreach name,$(USER_NAMES),$(eval PROG_$(name)_SRC := $(call find_sources,user/$(name))))
PROG_vmm_SRC   := $(call find_sources,vmm-user $(if $(wildcard vmm-user/firmware.c),bios-emul))
PROG_ktest_SRC := $(call find_sources,tests/kernel)
PROG_bench_SRC := $(sort $(wildcard tests/bench/*.c tests/bench/*.asm)) tests/kernel/support.c tests/kernel/longest.c
PROGRAMS    := $(foreach name,$(sort $(USER_NAMES) vmm ktest bench),$(if $(PROG_$(name)_SRC),$(name)))
BOOT_ELF    := $(foreach name,$(if $(KERNEL_SRC),mica) $(PROGRAMS),$(B)/$(name).boot.elf)

# ---------------------------------------------------------------- what a person types
.PHONY: all run test test-models unit fuzz kernel-test system-test fuzz-kernel bench bench-start debug iso guests setup tidy layers fmt-check fmt clean help \
        unit-build fuzz-build FORCE

all: $(if $(KERNEL_SRC),$(B)/mica.sym) $(BOOT_ELF) $(TINY_BIN) $(FLOPPY_IMG) $(B)/gen/flat.bin ## build the kernel, every program and the tiny guests

run: setup ## install what is missing, build, make the guest, boot to the shell (RUN_ARGS="--on bochs ...")
	@$(MAKE) --no-print-directory -j$(shell nproc) all guests
	@scripts/run $(RUN_ARGS)

test: ## every test but the long ones; the last line is "N passed, N failed"
	@tests/run_all

test-models: ## the long system tests: every CPU model with 1, 2 and 4 CPUs, ten minutes of guest time (an hour)
	@tests/run_all models

unit: ## unit tests of pure code on this host (ASan, UBSan); ONLY=NAME for one
	@tests/run_all unit

fuzz: ## every fuzz target for 100,000 inputs or 10 s; ONLY=NAME for one
	@tests/run_all fuzz

kernel-test: ## the kernel's own tests under QEMU with 1, 2 and 4 CPUs and under Bochs
	@tests/run_all kernel

FUZZ_CALLS ?= 120000
fuzz-kernel: all ## ten million random hypercalls under QEMU, with 1, 2 and 4 CPUs, alone and beside a hostile VM (FUZZ_CALLS=N)
	@for run in 1,0 2,0 4,0 1,1 2,1 4,1; do scripts/run --on qemu --cpus $${run%,*} --root $(B)/ktest.boot.elf --boot-only-files \
	    --kernel-cmdline "fuzz=$(FUZZ_CALLS) vms=$${run#*,}" --timeout 7200 --until "ktest: done" > $(B)/fuzz-kernel.log; \
	    grep -a "FAIL\|PASS\|PANIC\|random calls\|beside" $(B)/fuzz-kernel.log; \
	    grep -qa "ktest: done" $(B)/fuzz-kernel.log && ! grep -qa "FAIL" $(B)/fuzz-kernel.log || exit 1; done

system-test: ## the whole machine under QEMU and Bochs, driven as a user does; ONLY=FILE or FILE.TEST for one
	@tests/run_all system

bench: all guests ## measure; the table is printed and written to build/bench.txt
	@tests/bench/run

bench-start: all guests ## how long a cold start takes under QEMU and under Bochs, three runs each
	@tests/bench/cold_start

debug: all guests ## boot in Bochs' debugger with symbols; gdb on QEMU: scripts/debug --on qemu (docs/debugging.md)
	@scripts/debug

iso: all guests ## the boot medium, build/mica.iso: for a CD or a USB stick, started by BIOS or UEFI
	@scripts/make-iso --hybrid --output $(B)/mica.iso

guests: $(addprefix $(B)/guests/,linux.done memtest grub freedos.done) ## guest images: Linux, memtest, GRUB, FreeDOS

setup: ## install the packages that are missing
	@scripts/setup

tidy: ## clang-tidy and cppcheck over the project's sources
	@scripts/tidy

layers: ## who may include whom, and that each header compiles alone
	@scripts/layers

C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
fmt-check: ## is every C file laid out as clang-format would?
	@clang-format --dry-run -Werror $(C_FILES)

fmt: ## lay out every C file
	@clang-format -i $(C_FILES)

clean: ## remove what was built, but not the downloaded packages in build/cache
	@find $(B) -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} + 2>/dev/null || true

help: ## this list
	@awk '/^[a-z-]+:.*## / { name = $$0; sub(/:.*/, "", name); sub(/^.*## /, ""); printf "  %-12s  %s\n", name, $$0 }' Makefile

# ---------------------------------------------------------------- kernel
object_of = $(patsubst %,$(B)/$(1)/%.o,$(2))

KERNEL_OBJ := $(call object_of,kernel,$(KERNEL_SRC))

$(B)/mica.elf: $(KERNEL_OBJ) ukernel/boot/link.ld Makefile
	@echo "  LD    $@"
	@$(LINK) -mcmodel=kernel -Wl,-z,norelro -Wl,-T,ukernel/boot/link.ld -o $@ $(KERNEL_OBJ)

# The kernel keeps its symbols: the boot loader hands them over, and a panic names its callers.
$(B)/mica.boot.elf: $(B)/mica.elf
	@$(OBJCOPY) --strip-debug $< $@

$(B)/mica.sym: $(B)/mica.elf
	@nm -n $< > $@

$(B)/kernel/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $< (kernel)"
	@$(CC) $(KERNEL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/kernel/%.asm.o: %.asm Makefile
	@mkdir -p $(@D)
	@echo "  NASM  $< (kernel)"
	@$(NASM) $(NASM_FLAGS) -MD $(@:.o=.d) -MP -o $@ $<

# ---------------------------------------------------------------- user land
define program_rule
$(B)/$(1).elf: $(call object_of,user,$(PROG_$(1)_SRC) $(LIB_SRC)) lib/sys/user.ld Makefile
	@echo "  LD    $$@"
	@$(LINK) -Wl,--gc-sections -Wl,-T,lib/sys/user.ld -o $$@ $$(filter %.o,$$^) -lgcc
endef
$(foreach name,$(PROGRAMS),$(eval $(call program_rule,$(name))))

$(B)/user/%.c.o: %.c Makefile | $(ACPI_GEN)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/user/%.asm.o: %.asm Makefile
	@mkdir -p $(@D)
	@echo "  NASM  $<"
	@$(NASM) $(NASM_FLAGS) -MD $(@:.o=.d) -MP -o $@ $<

%.boot.elf: %.elf
	@$(OBJCOPY) --strip-all $< $@

$(B)/gen/flat.bin: scripts/runner/flat.asm
	@mkdir -p $(@D)
	@$(NASM) -f bin -o $@ $<

# The character shapes of the BIOS, from Debian's vgabios.
$(B)/gen/font16.bin: scripts/bios-fonts
	@mkdir -p $(@D)
	@scripts/bios-fonts $(@D)
$(B)/user/user/console/font.asm.o $(B)/host/user/console/font.asm.o: $(B)/gen/font16.bin
$(B)/user/bios-emul/rom.asm.o $(B)/host/bios-emul/rom.asm.o $(B)/fuzzed/bios-emul/rom.asm.o: $(B)/gen/font16.bin

$(B)/gen/%.h: vmm-user/load/%.asl
	@mkdir -p $(@D)
	@echo "  IASL  $<"
	@iasl -we -tc -p $(B)/gen/$* $< > $(B)/gen/$*.log 2>&1 || { cat $(B)/gen/$*.log; exit 1; }
	@sed 's/^unsigned char/static const unsigned char/' $(B)/gen/$*.hex > $@

# ---------------------------------------------------------------- guests
$(B)/guests/%.bin: guests/tiny/%.asm
	@mkdir -p $(@D)
	@echo "  NASM  $<"
	@$(NASM) -f bin -Iinclude/ -I./ -Iguests/tiny/ -MD $(@:.bin=.d) -MP -o $@ $<

$(B)/guests/floppy/%.img: guests/floppy/%.asm
	@mkdir -p $(@D)
	@echo "  NASM  $<"
	@$(NASM) -w+error -f bin -Iguests/floppy/ -Iguests/ -MD $(@:.img=.d) -MP -o $@ $<

$(B)/guests/biostest.bin: guests/tiny/biostest.inc

# A kernel of several files, as boot loaders like them: 64-bit code in a 32-bit ELF file.
CHECK_OBJ := $(call object_of,guest,$(call find_sources,guests/check))
$(B)/guests/check.bin: $(CHECK_OBJ) guests/check/check.ld Makefile
	@echo "  LD    $@"
	@mkdir -p $(@D)
	@$(LINK) -Wl,-T,guests/check/check.ld -o $(B)/guests/check.elf $(CHECK_OBJ)
	@$(OBJCOPY) --strip-debug -O elf32-i386 $(B)/guests/check.elf $@

$(B)/guest/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $< (guest)"
	@$(CC) $(FREESTANDING) -mno-red-zone $(INCLUDES) -MMD -MP -c -o $@ $<

$(B)/guest/%.asm.o: %.asm Makefile
	@mkdir -p $(@D)
	@echo "  NASM  $< (guest)"
	@$(NASM) $(NASM_FLAGS) -MD $(@:.o=.d) -MP -o $@ $<

$(B)/guests/linux.done: guests/linux.sh guests/package.sh guests/linux-init guests/linux-inittab guests/linux-shrc guests/tiny/ticks.asm
	@mkdir -p $(@D)
	@guests/linux.sh $(B)
	@touch $@

$(B)/guests/memtest: guests/stock.sh guests/package.sh
	@guests/stock.sh memtest $(B) >/dev/null
	@touch $@

$(B)/guests/grub: guests/grub.sh guests/grub-menu $(B)/guests/memtest
	@guests/grub.sh $(B)

# Without an image of FreeDOS there is no such guest: the recipe has said how to get one.
$(B)/guests/freedos.done: guests/freedos.sh guests/dos/mbr.asm guests/dos/fat16.asm $(if $(FREEDOS_IMG)$(DOS_PROGRAMS),FORCE)
	@mkdir -p $(@D)
	@guests/freedos.sh $(B) || true
	@touch $@

# ---------------------------------------------------------------- tests on this host
# The lines `// sources: a.c b.c` and `// libs: NAME` at the top of a test say what it is linked with.
test_sources = $(shell sed -n 's|^// sources: *||p' $(1))
test_libs    = $(patsubst %,-l%,$(shell sed -n 's|^// libs: *||p' $(1)))

define unit_rule
$(B)/unit/test_$(1): $(call object_of,host,tests/unit/test_$(1).c $(call test_sources,tests/unit/test_$(1).c))
	@mkdir -p $$(@D)
	@$(CC) $(UNIT_CFLAGS) -o $$@ $$^ $(call test_libs,tests/unit/test_$(1).c) -lcmocka
endef
$(foreach name,$(UNIT_NAMES),$(eval $(call unit_rule,$(name))))

define fuzz_rule
$(B)/fuzz/fuzz_$(1): $(call object_of,fuzzed,tests/fuzz/fuzz_$(1).c $(call test_sources,tests/fuzz/fuzz_$(1).c))
	@mkdir -p $$(@D)
	@$(CLANG) $(HOST_CFLAGS) -fsanitize=fuzzer,address,undefined -o $$@ $$^ $(call test_libs,tests/fuzz/fuzz_$(1).c)
endef
$(foreach name,$(FUZZ_NAMES),$(eval $(call fuzz_rule,$(name))))

unit-build: $(UNIT_NAMES:%=$(B)/unit/test_%)
fuzz-build: $(FUZZ_NAMES:%=$(B)/fuzz/fuzz_%)

$(B)/host/%.c.o: %.c Makefile | $(ACPI_GEN)
	@mkdir -p $(@D)
	@echo "  CC    $< (host)"
	@$(CC) $(UNIT_CFLAGS) -MMD -MP -c -o $@ $<

# Two rules: one with two patterns would tell make that one run makes both.
$(B)/host/%.asm.o: %.asm Makefile
	@mkdir -p $(@D)
	@$(NASM) $(NASM_FLAGS) -o $@ $<

$(B)/fuzzed/%.asm.o: %.asm Makefile
	@mkdir -p $(@D)
	@$(NASM) $(NASM_FLAGS) -o $@ $<

$(B)/fuzzed/%.c.o: %.c Makefile | $(ACPI_GEN)
	@mkdir -p $(@D)
	@echo "  CLANG $< (fuzz)"
	@$(CLANG) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)
