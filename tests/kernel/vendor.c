// SPDX-License-Identifier: MIT
// Exits of SVM in the words of VT-x. Lengths are those of instructions without prefixes, which is all that the tests'
// guests have.
#include "tests/kernel/vendor.h"
#include "x86/svm.h"
#include "x86/vmx.h"

static const struct {
    uint8_t svm, vmx, length;
} events[] = {
    {SVM_EXIT_CPUID, VMX_EXIT_CPUID, 2},
    {SVM_EXIT_HLT, VMX_EXIT_HLT, 1},
    {SVM_EXIT_IOIO, VMX_EXIT_IO, 2},
    {SVM_EXIT_RDMSR, VMX_EXIT_RDMSR, 2},
    {SVM_EXIT_WRMSR, VMX_EXIT_WRMSR, 2},
    {SVM_EXIT_VINTR, VMX_EXIT_INTERRUPT_WINDOW, 0},
    {SVM_EXIT_NPF, VMX_EXIT_EPT_VIOLATION, 0},
    {SVM_EXIT_SHUTDOWN, VMX_EXIT_TRIPLE_FAULT, 0},
    {SVM_EXIT_INTR, VMX_EXIT_EXTERNAL_INTERRUPT, 0},
    {SVM_EXIT_DB, VMX_EXIT_EXCEPTION_NMI, 0},
    {SVM_EXIT_AC, VMX_EXIT_EXCEPTION_NMI, 0},
};
#define EVENTS (sizeof events / sizeof *events)

static uint64_t io_qualification(uint64_t info)
{
    uint64_t size = info >> SVM_IO_SIZE_SHIFT & SVM_IO_SIZE;
    return (size - 1) | (info & SVM_IO_IN ? IO_QUAL_IN : 0) | (info & SVM_IO_STRING ? IO_QUAL_STRING : 0) |
           (info & SVM_IO_REP ? IO_QUAL_REP : 0) | info >> SVM_IO_PORT_SHIFT << IO_QUAL_PORT_SHIFT;
}

unsigned vendor_exit(unsigned event, struct utcb_state *s)
{
    if (!vendor_svm())
        return event;
    if (event == SVM_EXIT_IOIO)
        s->qual[0] = io_qualification(s->qual[0]);
    if (event == SVM_EXIT_NPF)
        s->qual[0] = s->qual[0] & SVM_NPF_WRITE ? EPT_QUAL_WRITE : EPT_QUAL_READ;
    for (unsigned i = 0; i < EVENTS; i++)
        if (events[i].svm == event) {
            s->insn_len = s->insn_len ? s->insn_len : events[i].length;
            return events[i].vmx;
        }
    return event < SVM_EVENT_HIGH + 11 ? 251 : event; // nothing that VT-x has
}

unsigned vendor_event(unsigned vmx_event)
{
    for (unsigned i = 0; vendor_svm() && i < EVENTS; i++)
        if (events[i].vmx == vmx_event)
            return events[i].svm;
    return vmx_event;
}
