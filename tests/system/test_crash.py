# SPDX-License-Identifier: GPL-2.0-only
"""A VMM that crashes is reported, its memory comes back, and everyone else goes on."""
import re
from console import PROMPT, System, check, run_tests, same

KINDS = ["null", "ud", "stack", "kernel-address", "loop", "memory"]


def free_memory(mica):
    """The numbers of `mem`, as the shell shows them."""
    return re.findall(r"\d+", mica.command("mem"))


def test_each_kind_ends_that_vm_alone():
    with System() as mica:
        witness = mica.vm_start("vm start linux-quiet")
        mica.enter(witness)
        mica.guest("echo alive > /tmp/state")
        mica.leave()
        before = None
        for kind in KINDS:
            victim = mica.vm_start("vm start linux-quiet")
            said = mica.command(f"vm crash {victim} {kind}")
            if kind == "loop":
                said += mica.command(f"vm kill {victim}")
            else:
                if not re.search(rf"vm {victim} stopped: ", said):
                    mica.expect(rf"vm {victim} stopped: \S.*")
                    mica.send("\n")
                    mica.expect(PROMPT)
            check("run" not in mica.vm_list().get(victim, {"state": "gone"})["state"], f"{kind}: VM {victim} still runs")
            after = free_memory(mica)
            if before is not None:
                same(after, before, f"memory after crash {kind}")
            before = after
        mica.enter(witness, r"/ # ")
        mica.send("\n")
        mica.expect(r"/ # ")
        check("alive" in mica.guest("cat /tmp/state"), "the other VM suffered")
        mica.leave()
        mica.power_off()


def test_bad_kind_is_refused():
    with System() as mica:
        vm = mica.vm_start("vm start linux-quiet")
        said = mica.command(f"vm crash {vm} nonsense")
        for kind in KINDS:
            check(kind in said, f"the refusal does not name the kind {kind}: {said}")
        check("run" in mica.vm_list()[vm]["state"], "the VM was crashed all the same")


run_tests(globals())
