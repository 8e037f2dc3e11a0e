#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Vector registers are each guest's own: two VMs on one CPU fill all that there are (guests/tiny/vector.asm) and check them across
every exit, side by side."""
from console import NO_LINUX, ON, System, check, run_tests

AVX512 = "corei7_skylake_x"
EXITS = {"qemu": 5, "bochs": 4}  # powers of ten


def side_by_side(model, names, power):
    with System(*NO_LINUX, *(["--model", model] if model else [])) as mica:
        machines = [mica.vm_start(f"vm run -n v{i} -m 4M -kernel tiny/vector -append {power}") for i in range(2)]
        for vm in machines:
            check(f"vm {vm} stopped: exit code 0" in mica.command(f"vm wait {vm}", 600), f"VM {vm} lost registers")
        for vm in machines:
            mica.send(f"vm console {vm}\n")
            mica.expect(rf"{names}\s+vectors: ok", 60)
            mica.leave()
        mica.power_off()


def test_two_guests_side_by_side():
    side_by_side(AVX512 if ON == "bochs" else None, "AVX-512" if ON == "bochs" else r"x87 \w+", EXITS[ON])


def test_a_million_exits():
    side_by_side(AVX512 if ON == "bochs" else None, "AVX-512" if ON == "bochs" else r"x87 \w+", 6)


if __name__ == "__main__":
    run_tests(globals())
