# SPDX-License-Identifier: MIT
"""Guest time when a VM is paused, and over long busy runs (how it goes with four busy VMs for a while: test_many)."""
import re
from console import GUEST_BOOT_SECONDS, GUEST_PROMPT, System, check, run_tests, same
from guest_time import check_clocks, check_no_complaints, read_clocks

BUSY = "while :; do :; done &"
PAUSE_SECONDS = 30         # longer than Linux' watchdogs wait


def test_pause():
    """Time stands still for the one that is paused, and for that one alone."""
    with System() as mica:
        paused, other = (mica.vm_start("vm start quick") for _ in range(2))
        before_other = read_clocks(mica, other)
        before = read_clocks(mica, paused)
        check("paused" in mica.command(f"vm pause {paused}"), "vm pause")
        same(mica.vm_list()[paused]["state"], "paused", "state in vm list")
        exits = mica.vm_list()[paused]["exits"]
        mica.command(f"sleep {PAUSE_SECONDS}")
        same(mica.vm_list()[paused]["exits"], exits, "exits of a paused VM")
        check("cannot be paused" in mica.command(f"vm pause {paused}"), "vm pause of a paused VM")
        check("resumed" in mica.command(f"vm resume {paused}"), "vm resume")
        check("not paused" in mica.command(f"vm resume {paused}"), "vm resume of a running VM")
        after = read_clocks(mica, paused)
        after_other = read_clocks(mica, other)
        passed, elsewhere = after.tsc - before.tsc, after_other.tsc - before_other.tsc
        check(0 < passed <= elsewhere - PAUSE_SECONDS, f"in {elsewhere:.3f} s with a pause of {PAUSE_SECONDS} s {passed:.3f} s passed in the guest")
        check_clocks(paused, before, after)
        check_clocks(other, before_other, after_other)
        took = mica.ask(paused, "ticks; sleep 2; ticks").split()
        check(int(took[1]) - int(took[0]) >= 2 * mica.tsc_hz(), "a timer after the pause is early")
        for vm in (paused, other):
            check_no_complaints(mica, vm)
        check_reset_of_paused(mica, paused)
        mica.power_off()


def check_reset_of_paused(mica, vm):
    """A reset lets it go on."""
    mica.command(f"vm pause {vm}")
    mica.command(f"vm reset {vm}")
    mica.send(f"vm console {vm}\n")
    for _ in range(2):
        mica.expect(r"init at tick \d+", GUEST_BOOT_SECONDS)
    mica.expect(GUEST_PROMPT)
    mica.leave()


def early(mica, vm, sleeps):
    """How early the earliest of some timers was, in seconds; negative: none was."""
    said = mica.ask(vm, f"for i in $(seq {sleeps}); do ticks; sleep 0.3; ticks; done")
    numbers = [int(number) for number in re.findall(r"^\d+$", said, re.M)]
    same(len(numbers), 2 * sleeps, f"times of VM {vm}")
    return max(0.3 - (end - begin) / mica.tsc_hz() for begin, end in zip(numbers[::2], numbers[1::2]))


def busy_guests(count, seconds):
    with System() as mica:
        machines = [mica.vm_start("vm start quick") for _ in range(count)]
        before = {}
        for vm in machines:
            mica.ask(vm, BUSY)
            before[vm] = read_clocks(mica, vm)
        mica.command(f"sleep {seconds}", 20 * seconds + GUEST_BOOT_SECONDS)
        for vm in machines:
            check_clocks(vm, before[vm], read_clocks(mica, vm))
            check(early(mica, vm, 5) <= 0, f"a timer of VM {vm} was early")
            check_no_complaints(mica, vm)
        mica.power_off()


def test_four_busy_guests():
    busy_guests(4, 20)


def test_four_busy_guests_for_ten_minutes():
    busy_guests(4, 600)


run_tests(globals())
