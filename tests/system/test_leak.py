# SPDX-License-Identifier: MIT
"""Starting and killing VMs gives every page back: root's and the kernel's free counts are exactly what they were."""
import re
from console import ON, System, check, run_tests, same

ROUNDS = 1000 if ON == "qemu" else 75  # Bochs is slow
AT_ONCE = 25  # commands are typed ahead, as a script would


def start_and_kill(mica, first, count, guest):
    for vm in range(first, first + count):
        mica.send(f"vm run -n t -m 4M -kernel tiny/{guest}\nvm kill {vm}\n")
    begin = mica.position
    mica.expect(rf"vm {first + count - 1} killed\n(.*\n)*mica> $", 300)
    said = mica.output[begin:mica.position]
    for vm in range(first, first + count):
        check(re.search(rf"^vm {vm} \(t\) started\n(.*\n)*?vm {vm} killed$", said, re.M), f"VM {vm} did not start or end: {said}")


def test_vms_come_and_go():
    with System("--memory", "512M") as mica:
        free = mica.free_memory()
        for first in range(1, ROUNDS + 1, AT_ONCE):
            start_and_kill(mica, first, AT_ONCE, "spin" if first % 2 else "hlt")
        same(mica.free_memory(), free, f"free memory after {ROUNDS} VMs and before")
        for vm in range(ROUNDS + 1, ROUNDS + 4):
            mica.command("vm start quick")
            mica.command("sleep 1")
            same(mica.command(f"vm kill {vm}").strip(), f"vm {vm} killed", "vm kill")
            same(mica.free_memory(), free, f"free memory after Linux in VM {vm} and before")
        mica.power_off()


run_tests(globals())
