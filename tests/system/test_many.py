# SPDX-License-Identifier: GPL-2.0-only
"""Several VMs at once, on one CPU and on more."""
from console import TICKS_PER_SECOND, Skip, System, check, run_tests  # noqa: F401


def test_four_vms_side_by_side():
    with System("--memory", "2G") as mica:
        machines = [mica.vm_start("vm start linux-quiet") for _ in range(4)]
        for vm in machines:
            mica.enter(vm)
            mica.guest(f"echo guest{vm} > /tmp/name")
            mica.leave()
        for vm in machines:
            mica.enter(vm, r"/ # ")
            mica.send("\n")
            mica.expect(r"/ # ")
            check(f"guest{vm}" in mica.guest("cat /tmp/name"), f"VM {vm} lost its file")
            mica.leave()
        mica.command(f"vm kill {machines[1]}")
        states = mica.vm_list()
        for vm in machines:
            runs = vm in states and "run" in states[vm]["state"]
            check(runs == (vm != machines[1]), f"VM {vm} after `vm kill {machines[1]}`: {states.get(vm)}")
        mica.power_off()


def test_sleep_is_right_beside_two_busy_vms():
    with System() as mica:
        busy = [mica.vm_start("vm start linux-quiet") for _ in range(2)]
        for vm in busy:
            mica.enter(vm)
            mica.guest("while :; do :; done &")
            mica.leave()
        mica.enter(mica.vm_start("vm start linux-quiet"), seconds=600)
        begin, end = map(int, mica.guest("ticks; sleep 10; ticks", 240).split()[-2:])
        took = (end - begin) / TICKS_PER_SECOND
        check(10 <= took <= 10.5, f"sleep 10 took {took:.3f} s of the machine's time")
        mica.leave()
        mica.power_off()


def test_two_cpus():
    with System("--cpus", "2") as mica:
        check(len([line for line in mica.command("cpus").splitlines() if line.strip()]) >= 2, "cpus shows fewer than two")
        machines = [mica.vm_start("vm start linux-quiet") for _ in range(2)]
        for vm in machines:
            mica.enter(vm, seconds=480)
            mica.leave()
        mica.power_off()


run_tests(globals())
