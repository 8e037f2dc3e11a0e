// SPDX-License-Identifier: MIT
#include "vmm-user/inspect.h"
#include "lib/c/strtol.h"
#include "lib/sys/hypercall.h"
#include "lib/sys/root.h"
#include "vmm-user/answer.h"
#include "vmm-user/layout.h"
#include "vmm-user/vm.h"
#include "x86/regs.h"

#define LOOK_MS                                                                                                        \
    1500 // its CPU may be busy with other VMs, the handler may be busy with an exit; a guest that waits for its reset
         // does not answer
#define LINE_BYTES   16
#define MEMORY_BYTES 128 // shown without a count
#define MEMORY_MAX   1024
#define STACK_BYTES  64

typedef unsigned long long ull;

// ---- handler

void inspect_keep(const struct vcpu *v, const struct utcb_state *s)
{
    vm.inspection.whole = vcpu_has(v, MTD_ALL);
    if (vm.inspection.whole)
        vm.inspection.state = *s;
}

void inspect_done(void)
{
    sm_up(SEL_INSPECTION);
}

// ---- main thread

bool inspect_ask(uint32_t request)
{
    sm_take_all(SEL_INSPECTION, host_tsc()); // what came too late for the last one who asked
    if (!vm_ask_if_idle(request))
        return false;
    vcpu_kick(&vm.vcpus[0], ATTENTION_WORK);
    return sm_down(SEL_INSPECTION, host_tsc() + start_info()->tsc_hz / 1000 * LOOK_MS) == ST_OK;
}

// NULL and a line why not.
static const struct utcb_state *inspect_take(struct answer *a)
{
    if (vm.state == VM_RUNNING && !inspect_ask(VM_REQUEST_LOOK))
        vm.inspection.whole = false;
    if (vm.inspection.whole)
        return &vm.inspection.state;
    say(a, "vm %u: its registers are not to be had: its vCPU did not answer, or ended without them\n",
        start_info()->vm_id);
    return NULL;
}

// Bytes at a linear address, up to the first page that is not mapped or is no RAM.
static unsigned linear_read(const struct utcb_state *s, uint64_t linear, uint8_t *to, unsigned size)
{
    const struct guest_paging paging = guest_paging_of(s, vm.vcpus[0].cpuid.max_phys, vm.vcpus[0].insn.gate);
    for (unsigned i = 0; i < size; i++) {
        uint64_t gpa, byte;
        uint32_t error;
        if (guest_walk(&vm.mem, &paging, linear + i, GUEST_PEEK, &gpa, &error) != GUEST_WALK_OK ||
            !guest_mem_read(&vm.mem, gpa, 1, &byte))
            return i;
        to[i] = (uint8_t)byte;
    }
    return size;
}

static void bytes_say(struct answer *a, const struct utcb_state *s, uint64_t linear, unsigned size)
{
    uint8_t bytes[LINE_BYTES];
    for (unsigned done = 0, n; done < size; done += n) {
        unsigned wanted = size - done < LINE_BYTES ? size - done : LINE_BYTES;
        n = linear_read(s, linear + done, bytes, wanted);
        if (!n) {
            say(a, "%016llx  no memory\n", (ull)(linear + done));
            return;
        }
        say(a, "%016llx ", (ull)(linear + done));
        for (unsigned i = 0; i < n; i++)
            say(a, " %02x", bytes[i]);
        say(a, "%*s", (int)(3 * (LINE_BYTES - n) + 2), "");
        for (unsigned i = 0; i < n; i++)
            say(a, "%c", bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
        say(a, "\n");
    }
}

static const char *mode_name(const struct utcb_state *s)
{
    if (s->rflags & RFLAGS_VM)
        return "virtual-8086";
    if (!(s->cr0 & CR0_PE))
        return "real";
    enum insn_mode mode = insn_mode_of(s);
    return mode == INSN_MODE_64 ? "64-bit" : mode == INSN_MODE_32 ? "32-bit protected" : "16-bit protected";
}

void inspect_registers(struct answer *a)
{
    static const char *const gprs[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                       "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    static const char *const segs[] = {"es", "cs", "ss", "ds", "fs", "gs", "tr", "ldtr", "gdtr", "idtr"};
    const struct utcb_state *s = inspect_take(a);
    if (!s)
        return;
    say(a, "rip %016llx  rflags %08llx  %s mode, CPL %u\n", (ull)s->rip, (ull)s->rflags, mode_name(s),
        s->seg[SEG_SS].ar >> 5 & 3);
    for (unsigned i = 0; i < GPR_COUNT; i++)
        say(a, "%-3s %016llx%s", gprs[i], (ull)s->gpr[i], i % 4 == 3 ? "\n" : "  ");
    say(a, "cr0 %08llx  cr2 %016llx  cr3 %016llx  cr4 %08llx  cr8 %llx  efer %llx\n", (ull)s->cr0, (ull)s->cr2,
        (ull)s->cr3, (ull)s->cr4, (ull)s->cr8, (ull)s->efer);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        say(a, "%-4s %04x  base %016llx  limit %08x  access %04x\n", segs[i], s->seg[i].sel, (ull)s->seg[i].base,
            s->seg[i].limit, s->seg[i].ar);
    say(a, "code:\n");
    bytes_say(a, s, s->seg[SEG_CS].base + s->rip, LINE_BYTES);
    say(a, "stack:\n");
    bytes_say(a, s, s->seg[SEG_SS].base + s->gpr[GPR_RSP], STACK_BYTES);
}

void inspect_memory(struct answer *a, const char *args)
{
    char *end;
    uint64_t address = strtoul(args, &end, 16), size = MEMORY_BYTES;
    bool good = end != args;
    if (good && *end == ' ')
        good = (size = strtoul(end, &end, 0)) && size <= MEMORY_MAX;
    if (!good || *end) {
        say(a, "ADDRESS is a linear address in hexadecimal, BYTES 1 to %u\n", MEMORY_MAX);
        return;
    }
    const struct utcb_state *s = inspect_take(a);
    if (s)
        bytes_say(a, s, address, (unsigned)size);
}
