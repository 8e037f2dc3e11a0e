# SPDX-License-Identifier: MIT
"""The shell's VM commands: run, list, stat, wait, reset, kill, crash, and a console that is left and entered again."""
import re
from console import GUEST_BOOT_SECONDS, PROMPT, QUICK_APPEND, System, check, run_tests, same

CRASHES = ["null", "ud", "stack", "kernel-address", "loop", "memory"]


def check_console(mica, vm):
    """What was printed is shown again; another terminal's output does not get in between."""
    mica.enter(vm)
    check("mica.test=7" in mica.guest("cat /proc/cmdline"), "the command line did not arrive")
    total = int(re.search(r"MemTotal:\s+(\d+) kB", mica.guest("cat /proc/meminfo"))[1])
    check(80_000 < total < 131_072, f"the guest of 128M sees {total} kB")
    mica.guest("echo remember$((20 + 3))")
    mica.leave()
    mica.send(f"vm console {vm}\n")
    mica.expect(r"\nremember23\n")
    mica.expect(r"/ # ")
    mica.leave()


def check_words(mica, vm):
    """What the system says at its end is no end when a guest says it: scripts/run goes on, and takes what is typed."""
    mica.enter(vm)
    for word in ("PANIC", "power off", "reboot"):
        same(mica.guest(f"echo mica: {word}"), f"mica: {word}", "what the guest prints")
    mica.guest("sleep 5")
    mica.leave()


def check_stat(mica, vm):
    shown = mica.command(f"vm stat {vm}")
    for pattern in (rf"vm {vm} adhoc: running\n", r"memory +128 MiB\n", r"time in guest +[1-9]\d* ticks", r"time in VMM +[1-9]\d* ticks",
                    r"time in kernel +[1-9]\d* ticks", r"exits +[1-9]\d+\n", r"  CPUID +[1-9]\d*\n", r"  RDMSR +[1-9]\d*\n",
                    r"  port +[1-9]\d*\n", r"injections +[1-9]\d*\n",
                    r"unknown port [0-9a-f]{4} read +\d+\n"):
        check(re.search(pattern, shown), f"vm stat does not show {pattern}:\n{shown}")


def check_reset(mica, vm):
    said = mica.command(f"vm reset {vm}")
    same(said.strip(), f"vm {vm} reset", "vm reset")
    mica.send(f"vm console {vm}\n")
    for _ in range(2):  # the replayed first boot, and the second
        mica.expect(r"init at tick \d+", GUEST_BOOT_SECONDS)
    mica.expect(r"/ # ")
    mica.leave()
    check(re.search(r"resets +1\n", mica.command(f"vm stat {vm}")), "vm stat does not count the reset")


def check_wait(mica, vm):
    mica.ask(vm, "(sleep 3; poweroff -f) &")
    same(mica.command(f"vm wait {vm}").strip().splitlines()[-1], f"vm {vm} stopped: power off", "vm wait")
    same(mica.vm_list()[vm]["state"], "stopped: power off", "state of a VM that was switched off")
    mica.command(f"vm reset {vm}")  # the button works when it is off, too
    mica.send(f"vm console {vm}\n")
    for _ in range(3):
        mica.expect(r"init at tick \d+", GUEST_BOOT_SECONDS)
    mica.leave()
    mica.send(f"vm wait {vm}\n")
    mica.expect(rf"vm wait {vm}\n")
    mica.send("\x03")
    mica.expect(PROMPT)
    same(mica.vm_list()[vm]["state"], "running", "state after vm wait was interrupted")


def check_ends(mica):
    """How guests end, each in a line with its reason."""
    for guest, reason in (("hello", r"exit code 0"), ("triple", r"triple fault at 8:20\w{4}")):
        said = mica.command(f"vm run -m 4M -kernel tiny/{guest}")
        vm = int(re.search(r"vm (\d+) \(\w+\) started", said)[1])
        said = mica.command(f"vm wait {vm}")
        check(re.search(rf"vm {vm} stopped: {reason}\n", said), f"vm wait does not tell the end of {guest}: {said!r}")
        lines = re.findall(rf"^\[ *\d+\.\d+\] vm {vm} stopped: {reason}$", mica.command("log"), re.M)
        same(len(lines), 1, f"lines in the log about the end of {guest}")
        check(re.match(rf"stopped: {reason}", mica.vm_list()[vm]["state"]), f"state of {guest}: {mica.vm_list()[vm]}")
        mica.command(f"vm kill {vm}")
        check(vm not in mica.vm_list(), f"vm list shows VM {vm} after vm kill")


def check_refusals(mica, vm):
    said = mica.command(f"vm crash {vm} nonsense")
    check(all(kind in said for kind in ["nonsense"] + CRASHES), f"vm crash with a wrong kind: {said!r}")
    for command in ("stat", "console", "reset", "kill", "wait"):
        same(mica.command(f"vm {command} 4711").strip(), "vm 4711: no such VM; `vm list` shows them", f"vm {command} 4711")
    same(mica.vm_list()[vm]["state"], "running", "state after commands that were refused")


def test_commands():
    with System() as mica:
        append = '-append "' + QUICK_APPEND + ' mica.test=7"'
        vm = mica.vm_start(f"vm run -n adhoc -m 128M -kernel linux -initrd linux.initrd {append}")
        shown = mica.vm_list()[vm]
        same((shown["name"], shown["mem"], shown["state"]), ("adhoc", "128M", "running"), "vm list")
        check_console(mica, vm)
        check_words(mica, vm)
        check_stat(mica, vm)
        check_reset(mica, vm)
        check_refusals(mica, vm)
        check_ends(mica)
        check_wait(mica, vm)
        mica.power_off()


run_tests(globals())
