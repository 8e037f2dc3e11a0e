#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Native programs (user/check) beside VMs: vector registers are each one's own, or nobody's business; memory is zero whoever had it."""
from console import ON, System, check, run_tests, same
from test_vector import AVX512

VECTORS = {"qemu": (4, 20000), "bochs": (4, 4000)}  # exits of each VM as a power of ten, rounds of the program


def run_program(mica, command, words, seconds=300):
    """Starts a native program and waits for its last words."""
    mica.send(f"{command}\n")
    mica.expect(rf"check: {words}: process ended", seconds)
    mica.command("")


def vectors_beside_vms(power, rounds):
    with System(*(["--model", AVX512] if ON == "bochs" else [])) as mica:
        machines = [mica.vm_start(f"vm run -n v{i} -m 4M -kernel tiny/vector -append {power}") for i in range(2)]
        mica.send(f"run -vectors check vectors {rounds}\n")
        mica.expect(r"process \d+ \(check\) started", 60)
        run_program(mica, "run check vectors 1", r"vector registers used at rip 0x\w+")
        for vm in machines:
            check(f"vm {vm} stopped: exit code 0" in mica.command(f"vm wait {vm}", 3000), f"VM {vm} lost registers")
        while f"vectors: {'AVX-512' if ON == 'bochs' else 'x87 AVX'}: {rounds} rounds ok: process ended" not in mica.command("log"):
            check("check" in mica.command("ps"), f"the program's registers are not its own: {mica.command('log')}")
            mica.command("sleep 1")
        mica.power_off()


def test_vectors_beside_vms():
    vectors_beside_vms(*VECTORS[ON])


def test_a_million_rounds():
    vectors_beside_vms(6, 1000000)


def test_memory_is_zero():
    with System("--memory", "128M") as mica:  # so little that each gets what another had
        for _ in range(2):
            vm = mica.vm_start("vm run -n stale -m 48M -kernel tiny/stale")
            check(f"vm {vm} stopped: exit code 0" in mica.command(f"vm wait {vm}", 600), "a VM got memory that is not zero")
            same(mica.command(f"vm kill {vm}").strip(), f"vm {vm} killed", "vm kill")
            for _ in range(3):
                run_program(mica, "run check memory", "memory: 12 MiB zero")
        mica.power_off()


if __name__ == "__main__":
    run_tests(globals())
