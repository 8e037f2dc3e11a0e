// SPDX-License-Identifier: MIT
// Why did a VM entry fail? The rules of SDM 3C 27.2 and 27.3 for the features we use, in the manual's order; the first
// that the VMCS breaks is named. Pure: it reads the VMCS through a function, so tests give it any state.
#include "vmx/vmx.h"
#include "x86/cpuid.h"

typedef const struct entry_view *view;

static uint64_t get(view e, enum vmcs_field field)
{
    return e->read(e, field);
}

#define R(name) get(e, name)

// A capability word: low half = bits that must be 1, high half = bits that may be 1.
static bool bad_controls(uint64_t value, uint64_t capability)
{
    return (~value & (uint32_t)capability) || (value & ~(capability >> 32));
}

static bool bad_fixed(uint64_t value, uint64_t fixed0, uint64_t fixed1)
{
    return (~value & fixed0) || (value & ~fixed1);
}

static bool noncanonical(uint64_t address)
{
    return (int64_t)(address << 16) >> 16 != (int64_t)address;
}

static bool beyond_phys(view e, uint64_t address)
{
    return address >> e->phys_bits;
}

static bool bad_page(view e, uint64_t address)
{
    return (address & 0xfff) || beyond_phys(e, address);
}

static bool bad_pat(uint64_t pat)
{
    for (unsigned i = 0; i < 8; i++, pat >>= 8)
        if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
            return true;
    return false;
}

#define EFER_KNOWN (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

static bool proc(view e, uint32_t bit)
{
    return R(PROC_CTLS) & bit;
}

static bool proc2(view e, uint32_t bit)
{
    return proc(e, PROC_SECONDARY) && (R(PROC_CTLS2) & bit);
}

static bool ia32e(view e)
{
    return R(ENTRY_CTLS) & ENTRY_IA32E;
}

static bool v86(view e)
{
    return R(GUEST_RFLAGS) & RFLAGS_VM;
}

static bool protected_mode(view e)
{
    return R(GUEST_CR0) & CR0_PE;
}

// ---- segments, i = 0..7: ES CS SS DS FS GS LDTR TR
enum { ES, CS, SS, DS, FS, GS, LDTR, TR };
#define AR(i)           ((uint32_t)get(e, GUEST_ES_AR + 2 * (i)))
#define SEL(i)          get(e, GUEST_ES_SEL + 2 * (i))
#define LIMIT(i)        get(e, GUEST_ES_LIMIT + 2 * (i))
#define BASE(i)         get(e, GUEST_ES_BASE + 2 * (i))
#define TYPE(i)         (AR(i) & SEG_AR_TYPE)
#define DPL(i)          (AR(i) >> SEG_AR_DPL_SHIFT & 3)
#define SEG_AR_RESERVED 0xfffe0f00u

static bool usable(view e, unsigned i)
{
    return !(AR(i) & SEG_AR_UNUSABLE);
}

static bool checked(view e, unsigned i) // the rules for access rights apply
{
    return !v86(e) && (i == CS || i == TR || usable(e, i));
}

static bool any(view e, unsigned first, unsigned last, bool (*broken)(view, unsigned))
{
    for (unsigned i = first; i <= last; i++)
        if (broken(e, i))
            return true;
    return false;
}

static bool bad_v86_segment(view e, unsigned i)
{
    return BASE(i) != SEL(i) << 4 || LIMIT(i) != 0xffff || AR(i) != 0xf3;
}

static bool bad_base_32(view e, unsigned i)
{
    return (i == CS || usable(e, i)) && BASE(i) >> 32;
}

static bool bad_data_type(view e, unsigned i)
{
    return checked(e, i) && (!(TYPE(i) & 1) || ((TYPE(i) & 8) && !(TYPE(i) & 2)));
}

static bool not_code_or_data(view e, unsigned i)
{
    return checked(e, i) && !(AR(i) & SEG_AR_S);
}

static bool not_present(view e, unsigned i)
{
    return checked(e, i) && !(AR(i) & SEG_AR_P);
}

static bool reserved_rights(view e, unsigned i)
{
    return checked(e, i) && (AR(i) & SEG_AR_RESERVED);
}

static bool bad_granularity(view e, unsigned i)
{
    bool g = AR(i) & SEG_AR_G;
    return checked(e, i) && ((g && (LIMIT(i) & 0xfff) != 0xfff) || (!g && LIMIT(i) >> 20));
}

static bool bad_code_type(view e)
{
    uint32_t type = TYPE(CS);
    bool code = type == 9 || type == 11 || type == 13 || type == 15;
    return !v86(e) && !code && !(type == 3 && proc2(e, PROC2_UNRESTRICTED));
}

static bool bad_code_dpl(view e)
{
    uint32_t type = TYPE(CS);
    if (v86(e))
        return false;
    if (type == 3)
        return DPL(CS) != 0;
    return type < 12 ? DPL(CS) != DPL(SS) : DPL(CS) > DPL(SS);
}

static bool bad_stack_dpl(view e)
{
    bool zero = TYPE(CS) == 3 || !protected_mode(e);
    if (v86(e))
        return false;
    if (!proc2(e, PROC2_UNRESTRICTED) && DPL(SS) != (SEL(SS) & 3))
        return true;
    return zero && DPL(SS) != 0;
}

static bool bad_data_dpl(view e, unsigned i)
{
    return checked(e, i) && !proc2(e, PROC2_UNRESTRICTED) && TYPE(i) < 12 && DPL(i) < (SEL(i) & 3);
}

// ---- event injection
#define MISC_LENGTH_0 (1u << 30) // IA32_VMX_MISC: a software event may have length 0 (SDM 3D A.6)

static bool bad_length(view e)
{
    uint64_t length = R(ENTRY_INSN_LEN);
    return length > 15 || (!length && !(e->caps->misc & MISC_LENGTH_0));
}

static bool injecting(view e)
{
    return R(ENTRY_INTR_INFO) & INTR_VALID;
}

static uint32_t injected_type(view e)
{
    return R(ENTRY_INTR_INFO) & INTR_TYPE;
}

static bool injects(view e, uint32_t type)
{
    return injecting(e) && injected_type(e) == type;
}

static bool pushes_error(view e) // does the exception to be injected have an error code?
{
    uint32_t vector = R(ENTRY_INTR_INFO) & INTR_VECTOR;
    return injected_type(e) == INTR_TYPE_HW_EXCEPTION && vector < 32 && (0x00227d00u >> vector & 1) &&
           protected_mode(e);
}

static bool injects_software(view e)
{
    return injects(e, INTR_TYPE_SW_INTERRUPT) || injects(e, INTR_TYPE_PRIV_SW_EXCEPTION) ||
           injects(e, INTR_TYPE_SW_EXCEPTION);
}

static bool bad_injection_vector(view e)
{
    uint32_t vector = R(ENTRY_INTR_INFO) & INTR_VECTOR;
    return (injects(e, INTR_TYPE_NMI) && vector != 2) || (injects(e, INTR_TYPE_HW_EXCEPTION) && vector > 31) ||
           (injects(e, INTR_TYPE_OTHER) && vector != 0);
}

// ---- PDPTEs
static bool pae(view e)
{
    return (R(GUEST_CR0) & CR0_PG) && (R(GUEST_CR4) & CR4_PAE) && !ia32e(e);
}

static bool bad_pdpte(view e, unsigned i)
{
    uint64_t pdpte = get(e, GUEST_PDPTE0 + 2 * i);
    return pae(e) && (pdpte & 1) && ((pdpte & 0x1e6) || beyond_phys(e, pdpte));
}

static bool single_step_wrong(view e)
{
    uint64_t blocking = R(GUEST_INTERRUPTIBILITY) & (BLOCKING_STI | BLOCKING_MOV_SS);
    bool step = (R(GUEST_RFLAGS) & RFLAGS_TF) && !(R(GUEST_DEBUGCTL) & 2);
    bool pending = R(GUEST_PENDING_DEBUG) & PENDING_DEBUG_BS;
    return (blocking || R(GUEST_ACTIVITY) == ACTIVITY_HLT) && step != pending;
}

#define APIC_FEATURES (PROC2_X2APIC | PROC2_APIC_REGISTERS | PROC2_VIRTUAL_INTERRUPTS)
#define EPTP          R(EPTP)
#define HOST_SELECTORS                                                                                                 \
    (R(HOST_ES_SEL) | R(HOST_CS_SEL) | R(HOST_SS_SEL) | R(HOST_DS_SEL) | R(HOST_FS_SEL) | R(HOST_GS_SEL) |             \
     R(HOST_TR_SEL))
#define BLOCKING R(GUEST_INTERRUPTIBILITY)

// RULE(name, broken, sentence). Sections: 27.2.1 controls, 27.2.2 host, 27.3.1 guest.
#define RULES(RULE)                                                                                                    \
    RULE(pin, bad_controls(R(PIN_CTLS), e->caps->pin), "pin-based controls hold a bit the CPU does not allow")         \
    RULE(proc, bad_controls(R(PROC_CTLS), e->caps->proc), "primary controls hold a bit the CPU does not allow")        \
    RULE(proc2, proc(e, PROC_SECONDARY) && bad_controls(R(PROC_CTLS2), e->caps->proc2),                                \
         "secondary controls hold a bit the CPU does not allow")                                                       \
    RULE(exit, bad_controls(R(EXIT_CTLS), e->caps->exit), "VM-exit controls hold a bit the CPU does not allow")        \
    RULE(entry, bad_controls(R(ENTRY_CTLS), e->caps->entry), "VM-entry controls hold a bit the CPU does not allow")    \
    RULE(cr3_targets, R(CR3_TARGET_COUNT) > 4, "more than 4 CR3 targets")                                              \
    RULE(virtual_nmis, (R(PIN_CTLS) & PIN_VIRTUAL_NMIS) && !(R(PIN_CTLS) & PIN_NMI), "virtual NMIs need NMI exiting")  \
    RULE(nmi_window, proc(e, PROC_NMI_WINDOW) && !(R(PIN_CTLS) & PIN_VIRTUAL_NMIS),                                    \
         "an NMI window needs virtual NMIs")                                                                           \
    RULE(msr_bitmap, proc(e, PROC_MSR_BITMAPS) && bad_page(e, R(MSR_BITMAP)), "the MSR bitmap is no page")             \
    RULE(virtual_apic, proc(e, PROC_TPR_SHADOW) && bad_page(e, R(VIRTUAL_APIC)), "the virtual-APIC page is no page")   \
    RULE(threshold, proc(e, PROC_TPR_SHADOW) && (R(TPR_THRESHOLD) & ~15ul), "the TPR threshold is above 15")           \
    RULE(threshold_tpr,                                                                                                \
         proc(e, PROC_TPR_SHADOW) && !proc2(e, PROC2_APIC_ACCESSES | PROC2_VIRTUAL_INTERRUPTS) &&                      \
             (R(TPR_THRESHOLD) & 15) > (e->vtpr >> 4 & 15),                                                            \
         "the TPR threshold is above the virtual TPR")                                                                 \
    RULE(apic_shadow, proc2(e, APIC_FEATURES) && !proc(e, PROC_TPR_SHADOW), "APIC virtualisation needs a TPR shadow")  \
    RULE(apic_modes, proc2(e, PROC2_X2APIC) && proc2(e, PROC2_APIC_ACCESSES), "xAPIC and x2APIC mode at once")         \
    RULE(apic_access, proc2(e, PROC2_APIC_ACCESSES) && bad_page(e, R(APIC_ACCESS)), "the APIC-access page is no page") \
    RULE(interrupts, proc2(e, PROC2_VIRTUAL_INTERRUPTS) && !(R(PIN_CTLS) & PIN_EXTERNAL_INTERRUPT),                    \
         "virtual-interrupt delivery needs external-interrupt exiting")                                                \
    RULE(vpid, proc2(e, PROC2_VPID) && !R(VPID), "VPID 0 is the host's")                                               \
    RULE(eptp_type, proc2(e, PROC2_EPT) && (EPTP & 7) != MEMORY_TYPE_WB && (EPTP & 7) != MEMORY_TYPE_UC,               \
         "the EPT pointer has a bad memory type")                                                                      \
    RULE(eptp_walk, proc2(e, PROC2_EPT) && (EPTP & 0x38) != EPTP_WALK_4, "the EPT pointer is not for 4 levels")        \
    RULE(eptp_reserved, proc2(e, PROC2_EPT) && ((EPTP & 0xf80) || beyond_phys(e, EPTP)),                               \
         "the EPT pointer has reserved bits")                                                                          \
    RULE(unrestricted, proc2(e, PROC2_UNRESTRICTED) && !proc2(e, PROC2_EPT), "an unrestricted guest needs EPT")        \
    RULE(save_timer, (R(EXIT_CTLS) & EXIT_SAVE_TIMER) && !(R(PIN_CTLS) & PIN_PREEMPTION_TIMER),                        \
         "saving the preemption timer needs the timer")                                                                \
    RULE(smm, R(ENTRY_CTLS) & (ENTRY_SMM | ENTRY_DUAL_MONITOR), "an entry to SMM from outside of it")                  \
    RULE(inject_type, injects(e, 0x100), "injection of reserved type 1")                                               \
    RULE(inject_other, injects(e, INTR_TYPE_OTHER) && !(e->caps->proc >> 32 & (1u << 27)),                             \
         "injection of type 7 without monitor trap flag")                                                              \
    RULE(inject_vector, bad_injection_vector(e), "the vector injected does not fit its type")                          \
    RULE(inject_reserved, injecting(e) && (R(ENTRY_INTR_INFO) & INTR_RESERVED), "the injection has reserved bits")     \
    RULE(inject_error, injecting(e) && (R(ENTRY_INTR_INFO) & INTR_ERROR_CODE) && !pushes_error(e),                     \
         "injection with an error code of an event that has none")                                                     \
    RULE(inject_no_error, injecting(e) && !(R(ENTRY_INTR_INFO) & INTR_ERROR_CODE) && pushes_error(e),                  \
         "injection without the error code that the exception has")                                                    \
    RULE(inject_error_bits, injecting(e) && (R(ENTRY_INTR_INFO) & INTR_ERROR_CODE) && R(ENTRY_INTR_ERROR) >> 16,       \
         "the error code injected has more than 16 bits")                                                              \
    RULE(inject_length, injects_software(e) && bad_length(e),                                                          \
         "a software event injected with an instruction length outside 1..15")                                         \
    RULE(host_cr0, bad_fixed(R(HOST_CR0), e->caps->cr0_fixed0, e->caps->cr0_fixed1),                                   \
         "host CR0 has a bit VMX does not allow")                                                                      \
    RULE(host_cr4, bad_fixed(R(HOST_CR4), e->caps->cr4_fixed0, e->caps->cr4_fixed1),                                   \
         "host CR4 has a bit VMX does not allow")                                                                      \
    RULE(host_cr3, beyond_phys(e, R(HOST_CR3)), "host CR3 is beyond physical memory")                                  \
    RULE(host_sysenter, noncanonical(R(HOST_SYSENTER_ESP)) || noncanonical(R(HOST_SYSENTER_EIP)),                      \
         "host SYSENTER_ESP or SYSENTER_EIP is not canonical")                                                         \
    RULE(host_pat, bad_pat(R(HOST_PAT)), "host PAT has a bad memory type")                                             \
    RULE(host_efer, (R(HOST_EFER) & ~EFER_KNOWN) || (~R(HOST_EFER) & (EFER_LMA | EFER_LME)),                           \
         "host EFER is not that of 64-bit mode")                                                                       \
    RULE(host_selectors, HOST_SELECTORS & 7, "a host selector has RPL or TI")                                          \
    RULE(host_cs_tr, !R(HOST_CS_SEL) || !R(HOST_TR_SEL), "host CS or TR is null")                                      \
    RULE(host_bases,                                                                                                   \
         noncanonical(R(HOST_FS_BASE)) || noncanonical(R(HOST_GS_BASE)) || noncanonical(R(HOST_TR_BASE)) ||            \
             noncanonical(R(HOST_GDTR_BASE)) || noncanonical(R(HOST_IDTR_BASE)),                                       \
         "a host base is not canonical")                                                                               \
    RULE(host_rip, noncanonical(R(HOST_RIP)), "host RIP is not canonical")                                             \
    RULE(host_64, !(R(EXIT_CTLS) & EXIT_HOST_64) || !(R(HOST_CR4) & CR4_PAE), "the host is not in 64-bit mode")        \
    RULE(cr0,                                                                                                          \
         bad_fixed(R(GUEST_CR0), e->caps->cr0_fixed0 & ~(CR0_PE | CR0_PG), e->caps->cr0_fixed1 | CR0_CD | CR0_NW),     \
         "CR0 has a bit VMX does not allow")                                                                           \
    RULE(cr0_paging, (R(GUEST_CR0) & CR0_PG) && !protected_mode(e), "CR0.PG without CR0.PE")                           \
    RULE(cr4, bad_fixed(R(GUEST_CR4), e->caps->cr4_fixed0, e->caps->cr4_fixed1), "CR4 has a bit VMX does not allow")   \
    RULE(cr4_cet, (R(GUEST_CR4) & CR4_CET) && !(R(GUEST_CR0) & CR0_WP), "CR4.CET without CR0.WP")                      \
    RULE(debugctl, R(GUEST_DEBUGCTL) & ~0xdfc3ul, "DEBUGCTL has reserved bits")                                        \
    RULE(ia32e_paging, ia32e(e) && !(R(GUEST_CR0) & CR0_PG), "IA-32e mode without CR0.PG")                             \
    RULE(ia32e_pae, ia32e(e) && !(R(GUEST_CR4) & CR4_PAE), "IA-32e mode without CR4.PAE")                              \
    RULE(pcide, !ia32e(e) && (R(GUEST_CR4) & CR4_PCIDE), "CR4.PCIDE outside IA-32e mode")                              \
    RULE(cr3, beyond_phys(e, R(GUEST_CR3)), "CR3 is beyond physical memory")                                           \
    RULE(dr7, R(GUEST_DR7) >> 32, "DR7 has more than 32 bits")                                                         \
    RULE(sysenter, noncanonical(R(GUEST_SYSENTER_ESP)) || noncanonical(R(GUEST_SYSENTER_EIP)),                         \
         "SYSENTER_ESP or SYSENTER_EIP is not canonical")                                                              \
    RULE(pat, bad_pat(R(GUEST_PAT)), "PAT has a bad memory type")                                                      \
    RULE(efer, R(GUEST_EFER) & ~EFER_KNOWN, "EFER has reserved bits")                                                  \
    RULE(efer_lma, !(R(GUEST_EFER) & EFER_LMA) == ia32e(e), "EFER.LMA is not what the entry control says")             \
    RULE(efer_lme, (R(GUEST_CR0) & CR0_PG) && !(R(GUEST_EFER) & EFER_LMA) != !(R(GUEST_EFER) & EFER_LME),              \
         "EFER.LMA differs from EFER.LME with paging on")                                                              \
    RULE(tr_ti, SEL(TR) & 4, "TR is in the LDT")                                                                       \
    RULE(ldtr_ti, usable(e, LDTR) && (SEL(LDTR) & 4), "LDTR is in the LDT")                                            \
    RULE(ss_rpl, !v86(e) && !proc2(e, PROC2_UNRESTRICTED) && ((SEL(SS) ^ SEL(CS)) & 3), "RPLs of SS and CS differ")    \
    RULE(v86_segments, v86(e) && any(e, ES, GS, bad_v86_segment), "a segment is not as virtual-8086 mode has it")      \
    RULE(bases, noncanonical(BASE(TR)) || noncanonical(BASE(FS)) || noncanonical(BASE(GS)),                            \
         "base of TR, FS or GS is not canonical")                                                                      \
    RULE(ldtr_base, usable(e, LDTR) && noncanonical(BASE(LDTR)), "base of LDTR is not canonical")                      \
    RULE(bases_32, any(e, ES, DS, bad_base_32), "base of CS, SS, DS or ES has more than 32 bits")                      \
    RULE(cs_type, bad_code_type(e), "type of CS is not accessed code")                                                 \
    RULE(ss_type, checked(e, SS) && TYPE(SS) != 3 && TYPE(SS) != 7, "type of SS is not accessed writable data")        \
    RULE(data_type, any(e, DS, GS, bad_data_type) || bad_data_type(e, ES),                                             \
         "type of DS, ES, FS or GS is not accessed readable")                                                          \
    RULE(not_system, any(e, ES, GS, not_code_or_data), "a segment register holds a system segment")                    \
    RULE(cs_dpl, bad_code_dpl(e), "DPL of CS does not fit its type or DPL of SS")                                      \
    RULE(ss_dpl, bad_stack_dpl(e), "DPL of SS is not 0 in real mode, or not its RPL")                                  \
    RULE(data_dpl, any(e, DS, GS, bad_data_dpl) || bad_data_dpl(e, ES), "DPL of DS, ES, FS or GS is below its RPL")    \
    RULE(present, any(e, ES, GS, not_present), "a segment is not present and not unusable")                            \
    RULE(rights, any(e, ES, GS, reserved_rights), "access rights of a segment have reserved bits")                     \
    RULE(cs_long, checked(e, CS) && ia32e(e) && (AR(CS) & SEG_AR_L) && (AR(CS) & SEG_AR_DB), "CS.L and CS.D both set") \
    RULE(granularity, any(e, ES, GS, bad_granularity), "limit and granularity of a segment disagree")                  \
    RULE(tr_type, TYPE(TR) != 11 && (ia32e(e) || TYPE(TR) != 3), "type of TR is not a busy TSS")                       \
    RULE(tr_rights, !usable(e, TR) || (AR(TR) & SEG_AR_S) || !(AR(TR) & SEG_AR_P) || (AR(TR) & SEG_AR_RESERVED),       \
         "TR is not a present, usable system segment")                                                                 \
    RULE(tr_limit, bad_granularity(e, TR) && !v86(e), "limit and granularity of TR disagree")                          \
    RULE(ldtr_type, usable(e, LDTR) && TYPE(LDTR) != 2, "type of LDTR is not an LDT")                                  \
    RULE(ldtr_rights,                                                                                                  \
         usable(e, LDTR) && ((AR(LDTR) & SEG_AR_S) || !(AR(LDTR) & SEG_AR_P) || (AR(LDTR) & SEG_AR_RESERVED)),         \
         "LDTR is not a present system segment")                                                                       \
    RULE(ldtr_limit, !v86(e) && usable(e, LDTR) && bad_granularity(e, LDTR), "limit and granularity of LDTR disagree") \
    RULE(table_bases, noncanonical(R(GUEST_GDTR_BASE)) || noncanonical(R(GUEST_IDTR_BASE)),                            \
         "base of GDTR or IDTR is not canonical")                                                                      \
    RULE(table_limits, (R(GUEST_GDTR_LIMIT) | R(GUEST_IDTR_LIMIT)) >> 16,                                              \
         "limit of GDTR or IDTR has more than 16 bits")                                                                \
    RULE(rip_32, !(ia32e(e) && (AR(CS) & SEG_AR_L)) && R(GUEST_RIP) >> 32,                                             \
         "RIP has more than 32 bits outside 64-bit mode")                                                              \
    RULE(rip_64, ia32e(e) && (AR(CS) & SEG_AR_L) && noncanonical(R(GUEST_RIP)), "RIP is not canonical")                \
    RULE(rflags, (R(GUEST_RFLAGS) & ~0x3f7fd7ul) || !(R(GUEST_RFLAGS) & RFLAGS_ONE), "RFLAGS has reserved bits")       \
    RULE(rflags_vm, v86(e) && (ia32e(e) || !protected_mode(e)), "RFLAGS.VM outside 32-bit protected mode")             \
    RULE(rflags_if, injects(e, INTR_TYPE_EXTERNAL) && !(R(GUEST_RFLAGS) & RFLAGS_IF),                                  \
         "interrupt injected with RFLAGS.IF clear")                                                                    \
    RULE(activity, R(GUEST_ACTIVITY) > ACTIVITY_WAIT_FOR_SIPI, "no such activity state")                               \
    RULE(activity_hlt, R(GUEST_ACTIVITY) == ACTIVITY_HLT && DPL(SS), "halted outside ring 0")                          \
    RULE(activity_blocking, R(GUEST_ACTIVITY) && (BLOCKING & (BLOCKING_STI | BLOCKING_MOV_SS)),                        \
         "inactive and blocking by STI or MOV SS")                                                                     \
    RULE(blocking, BLOCKING & ~0x1ful, "the interruptibility state has reserved bits")                                 \
    RULE(blocking_both, (BLOCKING & 3) == 3, "blocking by STI and by MOV SS at once")                                  \
    RULE(blocking_sti, (BLOCKING & BLOCKING_STI) && !(R(GUEST_RFLAGS) & RFLAGS_IF),                                    \
         "blocking by STI with RFLAGS.IF clear")                                                                       \
    RULE(blocking_interrupt, injects(e, INTR_TYPE_EXTERNAL) && (BLOCKING & 3),                                         \
         "interrupt injected while STI or MOV SS blocks it")                                                           \
    RULE(blocking_nmi, injects(e, INTR_TYPE_NMI) && (BLOCKING & BLOCKING_MOV_SS),                                      \
         "NMI injected while MOV SS blocks it")                                                                        \
    RULE(blocking_smi, BLOCKING &BLOCKING_SMI, "blocking by SMI outside of SMM")                                       \
    RULE(virtual_nmi, injects(e, INTR_TYPE_NMI) && (BLOCKING & BLOCKING_NMI), "NMI injected while NMIs are blocked")   \
    RULE(pending_debug, R(GUEST_PENDING_DEBUG) & ~0x1700ful & ~PENDING_DEBUG_BS,                                       \
         "pending debug exceptions have reserved bits")                                                                \
    RULE(pending_step, single_step_wrong(e),                                                                           \
         "pending single step does not fit RFLAGS.TF under STI or MOV SS blocking")                                    \
    RULE(link, R(GUEST_LINK) != ~0ul, "the VMCS link pointer is set")                                                  \
    RULE(pdptes, any(e, 0, 3, bad_pdpte), "a PDPTE has reserved bits")

#define RULE_FUNCTION(name, condition, sentence)                                                                       \
    static bool broken_##name(view e)                                                                                  \
    {                                                                                                                  \
        return condition;                                                                                              \
    }
RULES(RULE_FUNCTION)

static const struct {
    bool (*broken)(view e);
    const char *sentence;
} rules[] = {
#define RULE_ENTRY(name, condition, sentence) {broken_##name, sentence},
    RULES(RULE_ENTRY)};

unsigned entry_rules(void)
{
    return sizeof(rules) / sizeof(*rules);
}

unsigned entry_check(const struct entry_view *view, const char **sentence)
{
    for (unsigned i = 0; i < entry_rules(); i++) {
        if (rules[i].broken(view)) {
            *sentence = rules[i].sentence;
            return i + 1;
        }
    }
    *sentence = "no rule that we know is broken";
    return 0;
}
