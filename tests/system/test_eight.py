# SPDX-License-Identifier: MIT
"""Eight Linux guests at once on 1, 2 and 4 CPUs: each answers, one is killed, another's VMM crashes, the rest goes on; when all
are ended, root's and the kernel's free memory is what it was, to the page."""
from console import GUEST_BOOT_SECONDS, QUICK_APPEND, System, check, run_tests, same, vm_cpus

GUESTS = 8
# no_timer_check: Linux gives its timer 60 ms to tick five times, which a host with fewer CPUs than the machine need not have for it
START = 'vm run -n g -m 128M -kernel linux -initrd linux.initrd -append "no_timer_check ' + QUICK_APPEND + '"'
ANSWER_SECONDS = 2 * GUEST_BOOT_SECONDS  # the others boot at the same time


def answers(mica, machines, sentence):
    """Each guest computes what only it can know."""
    for vm in machines:
        mica.enter(vm, seconds=ANSWER_SECONDS)
        same(mica.guest(f"echo {sentence} $(({vm} * 1111)) > /tmp/name; cat /tmp/name", ANSWER_SECONDS), f"{sentence} {vm * 1111}", f"VM {vm}")
        mica.leave()


def states(mica):
    return {vm: what["state"] for vm, what in mica.vm_list().items()}


def check_eight(cpus):
    with System(*vm_cpus(cpus)) as mica:
        free = mica.free_memory()
        machines = [mica.vm_start(START) for _ in range(GUESTS)]
        same(machines, list(range(1, GUESTS + 1)), "IDs of the VMs")
        answers(mica, machines, "this is")
        same(states(mica), {vm: "running" for vm in machines}, "states with all VMs at work")
        killed, crashed, left = machines[2], machines[5], [vm for vm in machines if vm not in (machines[2], machines[5])]
        same(mica.command(f"vm kill {killed}").strip(), f"vm {killed} killed", "vm kill")
        said = mica.command(f"vm crash {crashed} null")
        check(f"vm {crashed} stopped: " in said, f"vm crash is not reported: {said!r}")
        now = states(mica)
        check(now.pop(crashed).startswith("crashed: "), f"states after the crash of VM {crashed}: {states(mica)}")
        same(now, {vm: "running" for vm in left}, "states of the others")
        answers(mica, left, "still")
        mica.enter(left[0])
        mica.send("poweroff -f\n")  # one ends by itself
        mica.expect(rf"vm {left[0]} stopped: power off\n")
        mica.leave()
        for vm in [crashed] + left:
            same(mica.command(f"vm kill {vm}").strip(), f"vm {vm} killed", "vm kill")
        same(states(mica), {}, "VMs at the end")
        same(mica.free_memory(), free, "free memory after all VMs and before")
        mica.power_off()


def test_one_cpu():
    check_eight(1)


def test_two_cpus():
    check_eight(2)


def test_four_cpus():
    check_eight(4)


run_tests(globals())
