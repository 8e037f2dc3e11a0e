# SPDX-License-Identifier: MIT
"""A look into guests from the shell: registers, code, stack and memory, of guests that run, halt, are paused or have ended."""
import re
import tempfile
from pathlib import Path
from console import BUILD, GUEST_PROMPT, System, check, run_tests, same

REGISTERS = re.compile(r"rip ([0-9a-f]{16})  rflags ([0-9a-f]{8})  (.*) mode, CPL (\d)\s")
CODE = re.compile(r"code:\s+([0-9a-f]{16})  ((?:[0-9a-f]{2} )+)")


def registers(mica, vm):
    said = mica.command(f"vm regs {vm}")
    found, code = REGISTERS.search(said), CODE.search(said)
    check(found and code, f"vm regs {vm} says {said}")
    return found, code[2].split()


def test_small_guests():
    """The loop of tiny/spin is `inc eax; jmp` to it, in 64-bit mode."""
    with System("--boot-only-files", "--file", f"spin={BUILD}/guests/spin.bin") as mica:
        mica.command("vm run -m 16M -kernel spin")
        mica.send("vm console 1\n")
        mica.expect(r"\nspinning\n")
        mica.leave()
        for state in ("running", "paused", "running"):
            found, code = registers(mica, 1)
            same(found[3], "64-bit", "mode")
            check(code[:4] == ["ff", "c0", "eb", "fc"] or code[:2] == ["eb", "fc"], f"{state}: code {code}")
            shown = mica.command(f"vm memory 1 {found[1]} 2")
            check(" ".join(code[:2]) in shown, f"memory at rip: {shown}")
            mica.command("vm pause 1" if state == "running" else "vm resume 1")
        same(mica.vm_list()[1]["state"], "paused", "state")
        first, second = (registers(mica, 1)[0][0] for _ in range(2))
        same(second, first, "registers of a paused VM")
        check("no memory" in mica.command("vm memory 1 1000000"), "memory behind the VM's 16 MiB")
        for wrong in ("", "zz", "10 0", "10 1025", "10 x"):
            check(re.search(r"usage:|ADDRESS is", mica.command(f"vm memory 1 {wrong}")), f"vm memory 1 {wrong}")
        mica.power_off()


def test_dead_end():
    """CLI; HLT in a boot sector: the registers that it ended with; what the BIOS looked for on its way there is not the guest's."""
    with tempfile.TemporaryDirectory(prefix="mica-inspect-") as folder:
        sector = Path(folder) / "sector"
        sector.write_bytes(bytes.fromhex("b834 12fa f4").ljust(510, b"\0") + b"\x55\xaa")
        with System("--boot-only-files", "--file", f"dead={sector}") as mica:
            vm = mica.vm_start("vm run -m 4M -fda dead")
            check("halted with interrupts off" in mica.command(f"vm wait {vm}"), "a VM that halts for ever has ended")
            found, code = registers(mica, vm)
            same((found[1], found[3], code[0]), (f"{0x7c04:016x}", "real", "f4"), "its end")
            check("1234  rcx" in mica.command(f"vm regs {vm}"), "AX of the end")
            shown = mica.command(f"vm stat {vm}")
            check("unknown port" not in shown, f"vm stat tells the guest of the BIOS' questions:\n{shown}")
            mica.power_off()


def test_idle_linux():
    """It halts: the HLT that waits is taken back for a moment, and nothing is lost."""
    with System() as mica:
        vm = mica.vm_start("vm start quick")
        mica.enter(vm)
        mica.leave()
        for _ in range(20):
            found, code = registers(mica, vm)
            same(found[3], "64-bit", "mode")
        mica.enter(vm, "")
        mica.send("\n")
        mica.expect(GUEST_PROMPT)
        check("3" in mica.guest("sleep 1; echo $((1 + 2))"), "the guest goes on")
        mica.leave()
        mica.power_off()


run_tests(globals())
