# SPDX-License-Identifier: GPL-2.0-only
"""Starting and killing VMs gives every page back."""
from console import System, check, run_tests, same

ROUNDS = 20


def test_start_and_kill_returns_all_memory():
    with System() as mica:
        counts = []
        for _ in range(ROUNDS):
            vm = mica.vm_start("vm start linux-quiet")
            mica.command(f"vm kill {vm}")
            check("run" not in mica.vm_list().get(vm, {"state": "gone"})["state"], f"VM {vm} still runs after vm kill")
            counts.append(mica.command("mem"))
        same(counts[-1], counts[1], f"`mem` after {ROUNDS} VMs and after two")
        mica.power_off()


run_tests(globals())
