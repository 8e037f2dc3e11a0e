# SPDX-License-Identifier: MIT
"""A Linux guest's clocks beside the machine's time-stamp counter."""
import re
from collections import namedtuple
from console import EXACT, check

DRIFT = 0.1 / 600          # the date: 100 ms in ten minutes
COMPLAINTS = ["lockup", "lost.tick"] + (["stall", "unstable", "clocksource:.timekeeping"] if EXACT else [])
JIFFY = 1 / 250            # Debian's kernels count 250 in a second
JIFFIES_LATE = 0.1 if EXACT else 2.0  # seconds: a guest that does not run counts them when it runs again

Clocks = namedtuple("Clocks", "tsc date monotonic jiffies")  # in seconds; the first two at one moment, the others at another


def read_clocks(mica, vm):
    said = mica.ask(vm, "ticks date; grep -e ^now -e ^jiffies /proc/timer_list")
    numbers = re.search(r"(\d+) (\d+)\nnow at (\d+) nsecs\n(?:.*\n)*?jiffies: (\d+)", said)
    check(numbers, f"the clocks of VM {vm}: {said!r}")
    tsc, date, now, jiffies = map(int, numbers.groups())
    return Clocks(tsc / mica.tsc_hz(), date / 1e9, now / 1e9, jiffies * JIFFY)


def check_clocks(vm, before, after):
    """The guest's date goes as the machine's time does, and no tick is lost or counted twice."""
    tsc, date, monotonic, jiffies = (b - a for a, b in zip(before, after))
    check(abs(date - tsc) <= DRIFT * tsc or not EXACT, f"VM {vm}: in {tsc:.6f} s of the machine its date went on by {date:.6f} s")
    check(abs(jiffies - monotonic) <= JIFFIES_LATE, f"VM {vm}: in {monotonic:.3f} s it counted jiffies of {jiffies:.3f} s")


def check_no_complaints(mica, vm):
    """Nothing about time in the kernel's log."""
    said = mica.ask(vm, f"dmesg | grep -i {' '.join(f'-e {word}' for word in COMPLAINTS)}")
    check(not said, f"the kernel of VM {vm} says: {said}")
