# SPDX-License-Identifier: GPL-2.0-only
"""An unmodified Debian kernel in a VM: boot, console, clock, reboot and power-off."""
import re
from console import CLOCK, GUEST_BOOT_SECONDS, PROMPT, TICKS_PER_SECOND, System, check, run_tests, same


def test_boot_console_and_power_off():
    with System() as mica:
        vm = mica.vm_start()
        same(vm, 1, "ID of the first VM")
        mica.enter(vm)
        check(re.match(r"Linux guest 6\.\S+-cloud-amd64 .*x86_64", mica.guest("uname -a")), "uname -a")
        same(mica.guest("stty -echo; echo $((6 * 7)); stty echo"), "42", "arithmetic in the guest")
        check("00000000-" in mica.guest("head -1 /proc/iomem"), "/proc/iomem")
        mica.leave()
        machines = mica.vm_list()
        check("run" in machines[vm]["state"], f"state {machines[vm]['state']}")
        check(machines[vm]["exits"] > 0, "no exits counted")
        mica.enter(vm, r"/ # ")
        mica.send("\n")
        mica.send("poweroff -f\n")
        mica.expect(r"vm 1 stopped: power off", 60)
        mica.send("\x1d\n")
        mica.expect(PROMPT)
        check("run" not in mica.vm_list().get(vm, {"state": "gone"})["state"], "the VM still runs")
        same(mica.vm_start("vm start linux-quiet"), 2, "ID of the second VM")
        mica.power_off()


def test_kernel_finds_nothing_wrong():
    """A clean boot: no ACPI errors, no warnings, no lost interrupts, no failed calibration."""
    with System() as mica:
        mica.enter(mica.vm_start())
        log = mica.guest("dmesg")
        for bad in (r"ACPI (Error|Exception|BIOS Error)", r"WARNING: ", r"BUG: ", r"Call Trace", r"nobody cared", r"[Ff]irmware [Bb]ug",
                    r"unchecked MSR", r"Fast TSC calibration failed", r"timer doesn't work", r"lost sync", r"unstable"):
            match = re.search(r".*" + bad + r".*", log)
            check(not match, f"the guest's kernel says: {match and match[0]}")


def test_reboot_inside_reboots_that_guest():
    with System() as mica:
        mica.enter(mica.vm_start("vm start linux-quiet"))
        mica.send("reboot -f\n")
        mica.expect(r"init at tick \d+", GUEST_BOOT_SECONDS)
        mica.expect(r"/ # ")
        mica.leave()
        check("run" in mica.vm_list()[1]["state"], "the VM does not run after its reboot")
        mica.power_off()


def test_clock():
    """`date` is the machine's date; ten seconds inside take ten of the machine's."""
    with System() as mica:
        mica.enter(mica.vm_start("vm start linux-quiet"))
        date, start = map(int, mica.guest("date +%s; ticks").split())
        since = start / TICKS_PER_SECOND
        check(CLOCK + since - 2 <= date, f"the guest's date is {CLOCK + since - date:.1f} s slow")
        begin, end = map(int, mica.guest("ticks; sleep 10; ticks").split())
        took = (end - begin) / TICKS_PER_SECOND
        check(10 <= took <= 10.2, f"sleep 10 took {took:.3f} s of the machine's time")
        last = int(mica.guest("date +%s"))
        mica.leave()
        mica.power_off()
        check(last <= CLOCK + mica.ticks() / TICKS_PER_SECOND + 2, "the guest's date runs ahead of the machine's")


def test_paste():
    """Two thousand bytes typed at once into a guest arrive, all and in order."""
    text = "".join("abcdefghijklmnopqrstuvwxyz"[i % 26] for i in range(2000))
    lines = [text[i:i + 100] for i in range(0, len(text), 100)]
    with System() as mica:
        mica.enter(mica.vm_start("vm start linux-quiet"))
        mica.send("cat > /tmp/paste\n" + "\n".join(lines) + "\n\x04")
        mica.expect(r"/ # ", 120)
        check("2020" in mica.guest("wc -c < /tmp/paste"), "bytes were lost")


run_tests(globals())
