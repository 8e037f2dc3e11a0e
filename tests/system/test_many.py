# SPDX-License-Identifier: MIT
"""Several VMs at once, on one CPU and on two: each does its own work, they share fairly, and the end of some, by whatever
crash, is nothing to the others; what they had comes back to the page."""
from console import EXACT, System, check, run_tests, same, vm_cpus
from guest_time import check_clocks, check_no_complaints, read_clocks

BUSY = "while :; do :; done &"
CRASHES = ["null", "ud", "stack", "kernel-address", "loop", "memory"]
SHARE_SECONDS = 3 if EXACT else 6
USED = 0.95 if EXACT else 0.8
UNEQUAL = 0.05 if EXACT else 0.25  # where the host takes its time from, chance decides


def check_answers(mica, machines):
    """Each answers a command of its own."""
    for vm in machines:
        mica.ask(vm, "dmesg -n 1")  # what a host that stands still makes the kernel say would come behind prompts
        same(mica.ask(vm, f"echo I am $(({vm} * 1111)); echo guest{vm} > /tmp/name"), f"I am {vm * 1111}", f"VM {vm}")


def check_names(mica, machines):
    for vm in machines:
        same(mica.ask(vm, "cat /tmp/name"), f"guest{vm}", f"the file in VM {vm}")


def check_shares(mica, machines, cpus):
    """Busy VMs get the same time, and together nearly all of it."""
    before = mica.cpu_seconds()
    mica.command(f"sleep {SHARE_SECONDS}")
    after = mica.cpu_seconds()
    used = {vm: after[vm] - before[vm] for vm in machines}
    mean = sum(used.values()) / len(used)
    check(all(abs(seconds - mean) <= UNEQUAL * mean for seconds in used.values()), f"CPU time of busy VMs: {used}")
    check(sum(used.values()) >= USED * SHARE_SECONDS * min(cpus, len(machines)), f"CPU time of busy VMs: {used}")


def check_sleep(mica, vm):
    mica.enter(vm)
    mica.check_sleep(4)
    mica.leave()


def crash(mica, vm, kind):
    """Crashes a VM's VMM, sees it reported, and removes what is left."""
    said = mica.command(f"vm crash {vm} {kind}")
    state = mica.vm_list()[vm]["state"]
    if kind == "loop":
        check("no answer" in said and state == "running", f"crash loop: {said!r}, state {state!r}")
    else:
        check(f"vm {vm} stopped: " in said, f"crash {kind} is not reported: {said!r}")
        check(state.startswith(("crashed: ", "stopped: ")), f"state after crash {kind}: {state!r}")
    same(mica.command(f"vm kill {vm}").strip(), f"vm {vm} killed", "vm kill")


def start_two(mica):
    machines = [mica.vm_start("vm start quick") for _ in range(2)]
    check_answers(mica, machines)
    return machines


def check_crashes(mica):
    for kind in CRASHES:
        crash(mica, mica.vm_start("vm run -m 16M -kernel tiny/spin"), kind)


def check_all(cpus, four):
    with System(*vm_cpus(cpus)) as mica:
        free = mica.free_memory()
        machines = start_two(mica)
        later = start_two(mica) if four else []
        for vm in machines:
            mica.ask(vm, BUSY)
        clocks = {vm: read_clocks(mica, vm) for vm in machines + later}
        check_shares(mica, machines, cpus)
        check_sleep(mica, (later or machines)[0])
        for vm in later:
            mica.ask(vm, BUSY)
        if later:
            check_shares(mica, machines + later, cpus)
        for vm in machines + later:
            check_clocks(vm, clocks[vm], read_clocks(mica, vm))
            check_no_complaints(mica, vm)
        check_crashes(mica)
        for vm in later[1:]:
            crash(mica, vm, "null")
        for vm in later[:1]:
            same(mica.command(f"vm kill {vm}").strip(), f"vm {vm} killed", "vm kill")
        check_names(mica, machines)
        same({vm: what["state"] for vm, what in mica.vm_list().items()}, {1: "running", 2: "running"}, "states at the end")
        for vm in machines:
            same(mica.command(f"vm kill {vm}").strip(), f"vm {vm} killed", "vm kill")
        same(mica.free_memory(), free, "free memory after all VMs and before")
        mica.power_off()


def test_two_vms_on_one_cpu():
    check_all(1, four=False)


def test_four_vms_on_one_cpu():
    check_all(1, four=True)


def test_four_vms_on_two_cpus():
    check_all(2, four=True)


run_tests(globals())
