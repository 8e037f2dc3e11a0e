// SPDX-License-Identifier: MIT
// Guest states that break one rule of VM entry each, made from that of a program in real mode (start_real), and the
// sentence by which the kernel's log must name the rule: X(statement on `s`, sentence).
#pragma once

#define NONCANONICAL         (1ul << 62)
#define INJECT(type, vector) (INTR_VALID | (type) | (vector))
#define LONG_MODE                                                                                                      \
    s->cr0 = CR0_PG | CR0_PE | CR0_NE | CR0_ET;                                                                        \
    s->cr4 = CR4_PAE;                                                                                                  \
    s->efer = EFER_LME

#define VMX_BREAKS(X)                                                                                                  \
    X(s->rflags = 0, "RFLAGS has reserved bits")                                                                       \
    X(s->cr0 = CR0_PG | CR0_ET, "CR0.PG without CR0.PE")                                                               \
    X(LONG_MODE; s->cr4 = 0, "IA-32e mode without CR4.PAE")                                                            \
    X(s->cr3 = ~0ul, "CR3 is beyond physical memory")                                                                  \
    X(s->sysenter_esp = NONCANONICAL, "SYSENTER_ESP or SYSENTER_EIP is not canonical")                                 \
    X(s->pat = 2, "PAT has a bad memory type")                                                                         \
    X(s->seg[SEG_TR].sel = 4, "TR is in the LDT")                                                                      \
    X(s->seg[SEG_LDTR].sel = 4, "LDTR is in the LDT")                                                                  \
    X(s->cr0 = CR0_PE | CR0_NE | CR0_ET; s->rflags |= RFLAGS_VM;                                                       \
      s->seg[SEG_DS].base = 5, "a segment is not as virtual-8086 mode has it")                                         \
    X(s->seg[SEG_FS].base = NONCANONICAL, "base of TR, FS or GS is not canonical")                                     \
    X(s->seg[SEG_LDTR].base = NONCANONICAL, "base of LDTR is not canonical")                                           \
    X(s->seg[SEG_DS].base = 1ul << 33, "base of CS, SS, DS or ES has more than 32 bits")                               \
    X(s->seg[SEG_CS].ar = 0x91, "type of CS is not accessed code")                                                     \
    X(s->seg[SEG_SS].ar = 0x91, "type of SS is not accessed writable data")                                            \
    X(s->seg[SEG_DS].ar = 0x92, "type of DS, ES, FS or GS is not accessed readable")                                   \
    X(s->seg[SEG_ES].ar = 0x83, "a segment register holds a system segment")                                           \
    X(s->seg[SEG_SS].ar = 0xf3, "DPL of CS does not fit its type or DPL of SS")                                        \
    X(s->seg[SEG_GS].ar = 0x13, "a segment is not present and not unusable")                                           \
    X(s->seg[SEG_ES].limit = 0x123456, "limit and granularity of a segment disagree")                                  \
    X(s->seg[SEG_TR].ar = 0x81, "type of TR is not a busy TSS")                                                        \
    X(s->seg[SEG_TR].ar = 0x0b, "TR is not a present, usable system segment")                                          \
    X(s->seg[SEG_TR].limit = 0x123456, "limit and granularity of TR disagree")                                         \
    X(s->seg[SEG_LDTR].ar = 0x83, "type of LDTR is not an LDT")                                                        \
    X(s->seg[SEG_LDTR].ar = 0x02, "LDTR is not a present system segment")                                              \
    X(s->seg[SEG_LDTR].limit = 0x123456, "limit and granularity of LDTR disagree")                                     \
    X(s->seg[SEG_GDTR].base = NONCANONICAL, "base of GDTR or IDTR is not canonical")                                   \
    X(s->seg[SEG_IDTR].limit = 0x12345, "limit of GDTR or IDTR has more than 16 bits")                                 \
    X(s->rip = 1ul << 40, "RIP has more than 32 bits outside 64-bit mode")                                             \
    X(s->inj_info = INJECT(INTR_TYPE_EXTERNAL, 0x30), "interrupt injected with RFLAGS.IF clear")                       \
    X(s->inj_info = INJECT(0x100, 0x30), "injection of reserved type 1")                                               \
    X(s->inj_info = INJECT(INTR_TYPE_NMI, 5), "the vector injected does not fit its type")                             \
    X(s->inj_info = INJECT(INTR_TYPE_HW_EXCEPTION, 6) | 1u << 20, "the injection has reserved bits")                   \
    X(s->inj_info = INJECT(INTR_TYPE_SW_INTERRUPT, 6);                                                                 \
      s->inj_len = 16, "a software event injected with an instruction length outside 1..15")                           \
    X(s->intr_state = 0x40, "the interruptibility state has reserved bits")                                            \
    X(s->rflags |= RFLAGS_IF; s->intr_state = 3, "blocking by STI and by MOV SS at once")                              \
    X(s->intr_state = 1, "blocking by STI with RFLAGS.IF clear")                                                       \
    X(s->rflags |= RFLAGS_IF; s->intr_state = 1;                                                                       \
      s->inj_info = INJECT(INTR_TYPE_EXTERNAL, 0x30), "interrupt injected while STI or MOV SS blocks it")              \
    X(s->intr_state = 4, "blocking by SMI outside of SMM")

#define SVM_BREAKS(X)                                                                                                  \
    X(s->cr0 = CR0_NW | CR0_ET, "CR0.NW without CR0.CD")                                                               \
    X(s->cr0 = 1ul << 40, "CR0 has more than 32 bits")                                                                 \
    X(s->cr0 = CR0_PG | CR0_ET, "CR0.PG without CR0.PE")                                                               \
    X(LONG_MODE; s->cr3 = 1ul << 60, "CR3 is beyond physical memory")                                                  \
    X(s->cr4 = 1ul << 40, "CR4 has a bit that this CPU lacks")                                                         \
    X(LONG_MODE; s->cr4 = 0, "long mode without CR4.PAE")                                                              \
    X(LONG_MODE; s->seg[SEG_CS].ar |= 0x600, "CS.L and CS.D both set")                                                 \
    X(s->inj_info = INJECT(0x100, 0x30), "the event injected has a reserved type or vector")                           \
    X(s->pat = 2, "PAT has a bad memory type")
