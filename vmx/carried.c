// SPDX-License-Identifier: GPL-2.0-only
// What a vCPU carries besides the VMCS: MSRs and debug registers that the host kernel never uses, so that they stay in
// the CPU while its VMM works and are switched only for another vCPU; vector state with XCR0; and which MSRs need no
// exit.
#include "vmx/vmx.h"

enum carry_rule { CARRY_ANY, CARRY_CANONICAL, CARRY_LOW32, CARRY_SPEC };

// Everything a vCPU switch carries, and how:
//   STAR .. SPEC_CTRL      the table below, WRMSR when another vCPU's are in the CPU
//   DR0-3, DR6             with them; DR7, PAT, EFER, SYSENTER_*, FS_BASE, GS_BASE: the VMCS, at every entry and exit
//   CR2                    at every entry and exit: the host's page faults change it
//   XCR0, vector registers when another owner's vector state is in the CPU
//   XSS                    always 0: the host saves no supervisor component
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

static bool cpu_has(enum carried which)
{
    return vmx.carried >> which & 1;
}

static void carried_save(struct vcpu *v)
{
    for (unsigned i = 0; i < CARRY_MSRS; i++)
        if (cpu_has(i))
            v->msr[i] = rdmsr(carried_msrs[i].msr);
    v->dr[0] = read_dr0();
    v->dr[1] = read_dr1();
    v->dr[2] = read_dr2();
    v->dr[3] = read_dr3();
    v->dr6 = read_dr6();
}

void carried_read(struct vcpu *v)
{
    if (v->local->carried == v)
        carried_save(v);
}

void carried_load(struct vcpu *v)
{
    struct vcpu *other = v->local->carried;
    if (other == v)
        return;
    if (other)
        carried_save(other);
    for (unsigned i = 0; i < CARRY_MSRS; i++)
        if (cpu_has(i))
            wrmsr(carried_msrs[i].msr, v->msr[i]);
    write_dr0(v->dr[0]);
    write_dr1(v->dr[1]);
    write_dr2(v->dr[2]);
    write_dr3(v->dr[3]);
    write_dr6(v->dr6);
    v->local->carried = v;
}

// A value from user land is made one that WRMSR takes.
void carried_set(struct vcpu *v, enum carried which, uint64_t value)
{
    switch (carried_msrs[which].rule) {
    case CARRY_CANONICAL:
        value = (uint64_t)((int64_t)(value << 16) >> 16);
        break;
    case CARRY_LOW32:
        value = (uint32_t)value;
        break;
    case CARRY_SPEC:
        value &= vmx.spec_ctrl_allowed;
        break;
    case CARRY_ANY:
        break;
    }
    v->msr[which] = value;
    if (v->local->carried == v && cpu_has(which))
        wrmsr(carried_msrs[which].msr, value);
}

// The registers hold somebody else's vector state: save that with all components enabled, then load ours.
void vector_load(struct vcpu *v)
{
    struct cpu *cpu = v->cpu;
    clts();
    if (vmx.xcr0)
        xsetbv(0, vmx.xcr0);
    if (cpu->fpu_owner)
        fpu_save(cpu->fpu_owner->vcpu->vector);
    fpu_restore(v->vector);
    cpu->fpu_owner = v->ec;
    if (vmx.xcr0)
        xsetbv(0, v->xcr0);
    write_cr0(read_cr0() | CR0_TS);
}

// MSR bitmap: a byte array of 1 = exit; reads of 0-1fffh, reads of c0000000h-c0001fffh, then writes likewise (SDM
// 3C 25.6.9).
static void bitmap_pass(uint8_t *page, uint32_t msr, bool read, bool write)
{
    uint32_t bit = (msr & 0x1fff) + (msr >= 0xc0000000 ? 0x2000 : 0);
    if (read)
        page[bit / 8] &= ~(1u << bit % 8);
    if (write)
        page[2048 + bit / 8] &= ~(1u << bit % 8);
}

static const struct {
    uint32_t msr;
    bool write;
} passed[] = {
    {IA32_TSC, false},  {IA32_SYSENTER_CS, true}, {IA32_SYSENTER_ESP, true}, {IA32_SYSENTER_EIP, true},
    {IA32_PAT, true},   {IA32_STAR, true},        {IA32_LSTAR, true},        {IA32_CSTAR, true},
    {IA32_FMASK, true}, {IA32_FS_BASE, true},     {IA32_GS_BASE, true},      {IA32_KERNEL_GS_BASE, true},
    {IA32_EFER, false},
};

// Registers of the x2APIC that the CPU reads from the virtual-APIC page without side effects, [first, last]: not PPR
// (nobody keeps it up to date without virtual-interrupt delivery), not ICR (64 bits of the page, half of which is
// elsewhere in xAPIC mode), not the current count, none that would be #GP.
static const struct {
    uint16_t first, last;
} x2apic_reads[] = {{0x802, 0x803}, {0x808, 0x808}, {0x80d, 0x80d}, {0x80f, 0x828}, {0x832, 0x838}, {0x83e, 0x83e}};

#define X2APIC_TPR (IA32_X2APIC_BASE + 8)

void msr_bitmap_fill(uint8_t *page, bool x2apic, bool apic_registers)
{
    __builtin_memset(page, 0xff, PAGE_SIZE);
    for (unsigned i = 0; i < sizeof(passed) / sizeof(*passed); i++)
        bitmap_pass(page, passed[i].msr, true, passed[i].write);
    if (vmx.carried >> CARRY_TSC_AUX & 1)
        bitmap_pass(page, IA32_TSC_AUX, true, true);
    if (!x2apic)
        return;
    bitmap_pass(page, X2APIC_TPR, true, true);
    for (unsigned i = 0; apic_registers && i < sizeof(x2apic_reads) / sizeof(*x2apic_reads); i++)
        for (uint32_t msr = x2apic_reads[i].first; msr <= x2apic_reads[i].last; msr++)
            bitmap_pass(page, msr, true, false);
}
