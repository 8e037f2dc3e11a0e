// SPDX-License-Identifier: MIT
// The part of a vCPU that is the same on VT-x and SVM: MSRs and debug registers that the host kernel never uses, vector
// state with XCR0, the vCPU's memory, its deadline.
#include "ukernel/vcpu.h"
#include "ukernel/spinlock.h"
#include "ukernel/virt.h"
#include "x86/cpuid.h"
#include "x86/msr.h"

_Static_assert(offsetof(struct vcpu_base, cpu) == 128 && sizeof(struct vcpu_base) == 272, "vcpu.inc");

struct vcpu_registers vcpu_registers;

// Everything a vCPU switch carries besides the backend's control block, and how:
//   STAR .. SPEC_CTRL      the table below, of which the backend's hardware may switch some (vcpu_registers.msrs)
//   DR0-3, DR6             with them
//   XCR0, vector registers when another owner's vector state is in the CPU
//   XSS                    always 0: the host saves no supervisor component
enum carry_rule { CARRY_ANY, CARRY_CANONICAL, CARRY_LOW32, CARRY_SPEC };

static const struct {
    uint32_t msr;
    enum carry_rule rule;
} carried_msrs[CARRY_MSRS] = {
    [CARRY_STAR] = {IA32_STAR, CARRY_ANY},
    [CARRY_LSTAR] = {IA32_LSTAR, CARRY_CANONICAL},
    [CARRY_CSTAR] = {IA32_CSTAR, CARRY_CANONICAL},
    [CARRY_FMASK] = {IA32_FMASK, CARRY_LOW32},
    [CARRY_KERNEL_GS_BASE] = {IA32_KERNEL_GS_BASE, CARRY_CANONICAL},
    [CARRY_TSC_AUX] = {IA32_TSC_AUX, CARRY_LOW32},
    [CARRY_SPEC_CTRL] = {IA32_SPEC_CTRL, CARRY_SPEC},
};

static uint64_t spec_ctrl_bits(void)
{
    if (!cpuid_has(7))
        return 0;
    uint32_t edx = cpuid(7, 0).edx;
    return (edx & CPUID_7_EDX_SPEC_CTRL ? 1 : 0) | (edx & CPUID_7_EDX_STIBP ? 2 : 0) | (edx & CPUID_7_EDX_SSBD ? 4 : 0);
}

void vcpu_registers_probe(void)
{
    uint32_t edx = cpuid_has(0x80000001) ? cpuid(0x80000001, 0).edx : 0;
    vcpu_registers.efer_allowed = EFER_SCE | EFER_LME | EFER_LMA | (edx & CPUID_EXT1_EDX_NX ? EFER_NXE : 0);
    vcpu_registers.xcr0 = read_cr4() & CR4_OSXSAVE ? xgetbv(0) : 0;
    vcpu_registers.spec_ctrl_allowed = spec_ctrl_bits();
    vcpu_registers.msrs = (1u << CARRY_STAR) | (1u << CARRY_LSTAR) | (1u << CARRY_CSTAR) | (1u << CARRY_FMASK) |
                          (1u << CARRY_KERNEL_GS_BASE) | (edx & CPUID_EXT1_EDX_RDTSCP ? 1u << CARRY_TSC_AUX : 0) |
                          (vcpu_registers.spec_ctrl_allowed ? 1u << CARRY_SPEC_CTRL : 0);
    vcpu_registers.dr6 = true;
}

// ---- life

// The guest's root table, and that this CPU may cache what it says.
static bool guest_join(struct pd *pd, const struct cpu *cpu)
{
    spin_lock(&pd->lock);
    if (!pd->guest.root)
        pd->guest.root = account_alloc(&pd->account, 0);
    pd->guest_cpus |= 1ul << cpu->id;
    spin_unlock(&pd->lock);
    return pd->guest.root;
}

enum status vcpu_base_create(struct ec *ec, size_t size, void *apic_page, struct vcpu_stats *stats)
{
    struct pd *pd = ec->pd;
    struct cpu *cpu = cpus[ec->cpu];
    if (!cpu->virt_on)
        return ST_BAD_FTR;
    spin_lock(&pd->lock);
    struct vcpu_base *v = slab_alloc(pd, size);
    spin_unlock(&pd->lock);
    if (!v)
        return ST_NO_MEM;
    *v = (struct vcpu_base){.cpu = cpu,
                            .ec = ec,
                            .stats = stats,
                            .apic_page = apic_page,
                            .deadline = UINT64_MAX,
                            .dr6 = DR6_RESET,
                            .mark = rdtsc()};
    ec->vcpu = (struct vcpu *)v;
    ec->xcr0 = XCR0_X87;
    if (!guest_join(pd, cpu)) {
        vcpu_base_destroy(v, size);
        return ST_NO_MEM;
    }
    return ST_OK;
}

void vcpu_base_release(struct vcpu_base *v)
{
    struct cpu *cpu = v->cpu;
    if (cpu->carried == v)
        cpu->carried = NULL;
}

void vcpu_base_destroy(struct vcpu_base *v, size_t size)
{
    struct ec *ec = v->ec;
    struct pd *pd = ec->pd;
    ec->vcpu = NULL;
    spin_lock(&pd->lock);
    slab_free(pd, v, size);
    spin_unlock(&pd->lock);
}

// ---- registers that stay in the CPU

static bool carries(enum carried which)
{
    return vcpu_registers.msrs >> which & 1;
}

static void carried_save(struct vcpu_base *v)
{
    for (unsigned i = 0; i < CARRY_MSRS; i++)
        if (carries(i))
            v->msr[i] = rdmsr(carried_msrs[i].msr);
    v->dr[0] = read_dr0();
    v->dr[1] = read_dr1();
    v->dr[2] = read_dr2();
    v->dr[3] = read_dr3();
    if (vcpu_registers.dr6)
        v->dr6 = read_dr6();
}

static void debug_write(const struct vcpu_base *v)
{
    write_dr0(v->dr[0]);
    write_dr1(v->dr[1]);
    write_dr2(v->dr[2]);
    write_dr3(v->dr[3]);
    if (vcpu_registers.dr6)
        write_dr6(v->dr6);
}

void vcpu_carried_read(struct vcpu_base *v)
{
    if (v->cpu->carried == v)
        carried_save(v);
}

void vcpu_carried_load(struct vcpu_base *v)
{
    struct vcpu_base *other = v->cpu->carried;
    if (other == v)
        return;
    if (other)
        carried_save(other);
    for (unsigned i = 0; i < CARRY_MSRS; i++)
        if (carries(i))
            wrmsr(carried_msrs[i].msr, v->msr[i]);
    debug_write(v);
    v->cpu->carried = v;
}

// A value from user land is made one that WRMSR takes.
void vcpu_carried_set(struct vcpu_base *v, enum carried which, uint64_t value)
{
    switch (carried_msrs[which].rule) {
    case CARRY_CANONICAL:
        value = canonical_of(value);
        break;
    case CARRY_LOW32:
        value = (uint32_t)value;
        break;
    case CARRY_SPEC:
        value &= vcpu_registers.spec_ctrl_allowed;
        break;
    case CARRY_ANY:
        break;
    }
    v->msr[which] = value;
    if (v->cpu->carried == v && carries(which))
        wrmsr(carried_msrs[which].msr, value);
}

void vcpu_debug_set(struct vcpu_base *v, const struct utcb_state *s)
{
    for (unsigned i = 0; i < 4; i++)
        v->dr[i] = s->dr[i];
    v->dr6 = (uint32_t)s->dr6;
    if (v->cpu->carried == v)
        debug_write(v);
}

// ---- vector state

// The guest's XCR0, which an emulator may let it write without an exit.
static void xcr0_read(struct vcpu_base *v)
{
    if (vcpu_registers.xcr0 && v->cpu->fpu_owner == v->ec)
        v->ec->xcr0 = xgetbv(0);
}

void vcpu_load(struct vcpu_base *v)
{
    vcpu_carried_load(v);
    if (v->cpu->fpu_owner != v->ec)
        fpu_switch(v->cpu, v->ec);
}

#define XCR0_AVX512 (XCR0_OPMASK | XCR0_ZMM_HI256 | XCR0_HI16_ZMM)
#define XCR0_MPX    (XCR0_BNDREGS | XCR0_BNDCSR)

static bool all_or_none(uint64_t value, uint64_t bits)
{
    return !(value & bits) || (value & bits) == bits;
}

// What XSETBV would take, of what the host has (SDM 1 13.3).
static bool xcr0_valid(uint64_t x)
{
    return !(x & ~vcpu_registers.xcr0) && (x & XCR0_X87) && (!(x & XCR0_AVX) || (x & XCR0_SSE)) &&
           all_or_none(x, XCR0_MPX) && all_or_none(x, XCR0_AVX512) && (!(x & XCR0_AVX512) || (x & XCR0_AVX));
}

void vcpu_xsave_save(struct vcpu_base *v, struct utcb_state *s)
{
    xcr0_read(v);
    s->xcr0 = v->ec->xcr0;
    s->xss = 0;
    s->spec_ctrl = v->msr[CARRY_SPEC_CTRL];
}

void vcpu_xsave_load(struct vcpu_base *v, const struct utcb_state *s)
{
    uint64_t xcr0 = *(const volatile uint64_t *)&s->xcr0; // read once
    vcpu_carried_set(v, CARRY_SPEC_CTRL, s->spec_ctrl);
    if (!xcr0_valid(xcr0) || xcr0 == v->ec->xcr0)
        return;
    v->ec->xcr0 = xcr0;
    if (v->cpu->fpu_owner == v->ec)
        xsetbv(0, xcr0);
}

// ---- time

_Noreturn void vcpu_deadline_passed(struct vcpu_base *v)
{
    v->deadline = UINT64_MAX;
    v->stats->exits[EVENT_TIMER]++;
    vcpu_event(v->ec, EVENT_TIMER);
}

void vcpu_timer_bound(struct cpu *cpu, uint64_t deadline)
{
    if (deadline < cpu->timer_armed) {
        cpu->timer_armed = deadline;
        lapic_timer_set(deadline);
    }
}
