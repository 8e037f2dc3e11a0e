# SPDX-License-Identifier: MIT
"""Linux in a VM on every CPU model of Bochs that has what VT-x needs here, with 1, 2 and 4 host CPUs."""
import re
from functools import partial
from console import System, check, run_tests, same

MODELS = ["corei7_haswell_4770", "corei7_skylake_x", "corei7_icelake_u", "tigerlake", "corei3_cnl"]
TRACES = r"ACPI (Error|Exception|BIOS Error)|WARNING: CPU|BUG: |Call Trace|nobody cared|unchecked MSR|unstable|lockup|stall"


def boots(model, cpus):
    with System("--model", model, "--cpus", str(cpus)) as mica:
        free = mica.free_memory()
        vm = mica.vm_start("vm start quick")
        mica.enter(vm)
        same(mica.guest("uname -r; nproc").splitlines()[1], "1", "CPUs of the guest")
        mica.check_sleep(2)
        said = mica.guest("dmesg")
        match = re.search(rf".*({TRACES}).*", said)
        check(not match, f"the guest's kernel says: {match and match[0]}")
        mica.send("poweroff -f\n")
        mica.expect(rf"vm {vm} stopped: power off\n")
        mica.leave()
        mica.command(f"vm kill {vm}")
        same(mica.free_memory(), free, "free memory after the VM and before")
        mica.power_off()


for model in MODELS:
    for cpus in (1, 2, 4):
        globals()[f"test_{model}_{cpus}_cpu"] = partial(boots, model, cpus)

run_tests(globals())
