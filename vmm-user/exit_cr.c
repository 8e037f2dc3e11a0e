// SPDX-License-Identifier: MIT
// Moves to and from control registers as far as they exit: those bits that the hardware keeps for itself. The checks
// are those of SDM 3A 2.5 and 4.1; most of them the processor has not made when it exits.
#include "vmm-user/exit.h"
#include "vmm-user/vm.h"
#include "x86/desc.h"
#include "x86/regs.h"

#define CR0_KNOWN      (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CS_L           (1u << 9)
#define PDPTE_RESERVED 0x1c6ull // bits 1-2, 5-8; not 5, "accessed", that QEMU sets

// With PAE outside of long mode the processor loads four PDPTEs (SDM 3A 4.4.1); false = #GP.
bool exit_pdptes_load(struct vcpu *v, struct utcb_state *s)
{
    if (!(s->cr0 & CR0_PG) || !(s->cr4 & CR4_PAE) || s->efer & EFER_LMA)
        return true;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t entry;
        if (!guest_mem_read(&v->vm->mem, ((s->cr3 & 0xffffffe0) + 8 * i) & ~v->insn.gate, 8, &entry))
            return false;
        if (entry & 1 && entry & (PDPTE_RESERVED | (~0ull << v->cpuid.max_phys)))
            return false;
        s->pdpte[i] = entry;
    }
    return true;
}

static bool cr0_set(struct vcpu *v, struct utcb_state *s, uint64_t value)
{
    if (value >> 32 || (value & CR0_PG && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD)))
        return false;
    bool was_on = s->cr0 & CR0_PG, on = value & CR0_PG;
    if (!was_on && on && s->efer & EFER_LME) {
        if (!(s->cr4 & CR4_PAE) || s->seg[SEG_CS].ar & CS_L)
            return false;
        s->efer |= EFER_LMA;
    }
    if (was_on && !on) {
        if (s->cr4 & CR4_PCIDE || s->seg[SEG_CS].ar & CS_L)
            return false;
        s->efer &= ~EFER_LMA;
    }
    s->cr0 = (value & CR0_KNOWN) | CR0_ET;
    return exit_pdptes_load(v, s);
}

static bool cr4_set(struct vcpu *v, struct utcb_state *s, uint64_t value)
{
    if (value & ~v->cpuid.cr4)
        return false;
    bool lma = s->efer & EFER_LMA;
    if ((lma && !(value & CR4_PAE)) || (value & CR4_PCIDE && !(s->cr4 & CR4_PCIDE) && (!lma || s->cr3 & CR3_PCID_MASK)))
        return false;
    s->cr4 = value;
    return exit_pdptes_load(v, s);
}

static bool cr3_set(struct vcpu *v, struct utcb_state *s, uint64_t value)
{
    if (s->cr4 & CR4_PCIDE)
        value &= ~CR3_NO_FLUSH;
    if (s->efer & EFER_LMA && value >> v->cpuid.max_phys)
        return false;
    s->cr3 = value;
    return exit_pdptes_load(v, s);
}

static bool cr8_set(struct vcpu *v, struct utcb_state *s, uint64_t value)
{
    if (value >> 4)
        return false;
    lapic_set_cr8(&v->lapic, value);
    s->cr8 = value;
    vcpu_attend(v, ATTENTION_IRQ);
    return true;
}

uint64_t exit_move_to_cr(struct vcpu *v, struct utcb_state *s, unsigned cr, uint64_t value)
{
    static bool (*const set[16])(struct vcpu * v, struct utcb_state * s,
                                 uint64_t value) = {[0] = cr0_set, [3] = cr3_set, [4] = cr4_set, [8] = cr8_set};
    uint64_t cr0 = s->cr0, cr3 = s->cr3, cr4 = s->cr4, efer = s->efer;
    if (cr > 15 || !set[cr])
        return exit_undefined(v, s);
    if (!set[cr](v, s, value)) {
        s->cr0 = cr0, s->cr3 = cr3, s->cr4 = cr4, s->efer = efer;
        return exit_protection(v, s);
    }
    return exit_retire(v, s, MTD_CR | MTD_EFER);
}

uint64_t exit_move_from_cr(struct vcpu *v, struct utcb_state *s, unsigned cr, unsigned gpr)
{
    const uint64_t values[16] = {[0] = s->cr0, [2] = s->cr2, [3] = s->cr3, [4] = s->cr4, [8] = lapic_cr8(&v->lapic)};
    s->gpr[gpr & 15] = values[cr & 15];
    return exit_retire(v, s, MTD_GPR);
}
