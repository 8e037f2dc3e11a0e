# SPDX-License-Identifier: MIT
"""Why a figure differs between the backends: (name of the figure, SVM has more or less): one line. Said only where the
difference is there; one that has no line here is called unexplained."""

DECODED = "QEMU's SVM saves no next RIP: the VMM reads and decodes the instruction to find its length"
SOFTWARE = "ASIDs, NMI blocking and the length of the instruction are kept by software, and the host's timer is the only one"
NO_APIC = "no virtualised APIC registers (AVIC) there: the access is a nested page fault, whose instruction is decoded"
SHORTER = "a second has 100 million ticks on Bochs and 1,000 million with --icount: the boot takes a tenth of the time, and of the timer's ticks"
NO_LEAF_15H = "Linux asks CPUID for the TSC's frequency on Intel's CPUs only; on AMD's it measures it by reading the PIT"

REASONS = {
    ("exit_cpuid", "more"): DECODED,
    ("exit_cpuid1", "more"): DECODED,
    ("exit_rdmsr", "more"): DECODED,
    ("exit_wrmsr", "more"): DECODED,
    ("exit_port80", "more"): SOFTWARE,
    ("apic_read", "more"): NO_APIC,
    ("exit_apic_read", "less"): "VT-x tells of an APIC access only its offset in the page; a nested page fault tells the address",
    ("exit_eoi", "more"): NO_APIC,
    ("self_ipi", "more"): NO_APIC + ": two of them",
    ("timer", "more"): DECODED + "; EOI is a nested page fault",
    ("exits", "more"): NO_LEAF_15H,
    ("exits: port", "more"): NO_LEAF_15H,
    ("exits: host timer, interrupt", "less"): SHORTER,
    ("exits: timer", "less"): SHORTER,
    ("exits: WRMSR", "less"): SHORTER + " (it arms the TSC deadline by WRMSR)",
    ("exits: interrupt window", "less"): SHORTER,
    ("exits: APIC write", "less"): "no virtualised APIC registers (AVIC) there: they are nested page faults",
    ("exits: nested page fault", "more"): "accesses to the local APIC are among them: AVIC is not there",
    ("exits: CPUID", "less"): "Linux asks Intel's CPUs more: caches by leaves 2 and 4, frequencies by 15h and 16h",
}
