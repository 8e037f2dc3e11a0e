# SPDX-License-Identifier: GPL-2.0-only
"""The shell's VM commands: run, stat, wait, reset, kill, and a console that is left and entered again."""
import re
from console import GUEST_BOOT_SECONDS, PROMPT, System, check, run_tests, same


def test_run_ad_hoc():
    with System() as mica:
        vm = mica.vm_start('vm run -n adhoc -m 128M -kernel linux -initrd linux.initrd -append "console=ttyS0,115200 quiet mica.test=7"')
        same(mica.vm_list()[vm]["name"], "adhoc", "name in vm list")
        mica.enter(vm)
        check("mica.test=7" in mica.guest("cat /proc/cmdline"), "the command line did not arrive")
        total = int(re.search(r"MemTotal:\s+(\d+) kB", mica.guest("cat /proc/meminfo"))[1])
        check(80_000 < total < 131_072, f"the guest of 128M sees {total} kB")
        mica.leave()
        mica.power_off()


def test_stat_names_the_exits():
    with System() as mica:
        vm = mica.vm_start("vm start linux-quiet")
        mica.enter(vm)
        mica.leave()
        shown = mica.command(f"vm stat {vm}")
        for word in ("cpuid", "msr", "guest", "vmm", "kernel"):
            check(word in shown.lower(), f"vm stat does not show {word!r}: {shown}")
        check(len(re.findall(r"\d+", shown)) >= 8, f"vm stat shows few numbers: {shown}")
        mica.power_off()


def test_console_replays_what_was_printed():
    with System() as mica:
        vm = mica.vm_start("vm start linux-quiet")
        mica.enter(vm)
        mica.guest("echo remember$((20 + 3))")
        mica.leave()
        mica.send(f"vm console {vm}\n")
        mica.expect("remember23")
        mica.leave()
        mica.power_off()


def test_reset_and_kill():
    with System() as mica:
        vm = mica.vm_start("vm start linux-quiet")
        mica.enter(vm)
        mica.leave()
        mica.command(f"vm reset {vm}")
        mica.send(f"vm console {vm}\n")
        for _ in range(2):  # the replayed first boot, and the second
            mica.expect(r"init at tick \d+", GUEST_BOOT_SECONDS)
        mica.expect(r"/ # ")
        mica.leave()
        mica.command(f"vm kill {vm}")
        check("run" not in mica.vm_list().get(vm, {"state": "gone"})["state"], "the VM runs after vm kill")
        mica.power_off()


def test_wait():
    with System() as mica:
        vm = mica.vm_start("vm start linux-quiet")
        mica.enter(vm)
        mica.send("(sleep 3; poweroff -f) &\n")
        mica.expect(r"/ # ")
        mica.leave()
        mica.send(f"vm wait {vm}\n")
        mica.expect(rf"vm {vm} stopped: power off", 60)
        mica.expect(PROMPT)
        mica.power_off()


def test_triple_fault_is_named():
    """A kernel told to reboot by a triple fault with no other way left ends, or restarts, its VM with that reason."""
    with System() as mica:
        vm = mica.vm_start('vm run -n triple -m 128M -kernel linux -initrd linux.initrd -append "console=ttyS0,115200 quiet reboot=t"')
        mica.enter(vm)
        mica.send("reboot -f\n")
        mica.expect(rf"vm {vm} stopped: triple fault", 60)
        mica.send("\x1d\n")
        mica.expect(PROMPT)
        mica.power_off()


run_tests(globals())
