# SPDX-License-Identifier: MIT
"""An unmodified Debian kernel in a VM: boot, console, clock, reboot and power-off."""
import os
import re
import subprocess
import threading
from console import BUILD, CLOCK, GUEST_BOOT_SECONDS, ON, PATIENCE, System, check, run_tests, same
from runner.machine import die_with_parent

FIRMWARE_SECONDS = 300  # the machine before its kernel starts, on a busy host
APPEND = "console=ttyS0,115200"

# What the guest's kernel may complain of here although it does not under QEMU: (pattern, why).
COMPLAINTS = [
    (r"RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable", "the CPU model is an Intel CPU that is known for RETBleed and "
     "has no IBRS; QEMU's is of AMD. The same on bare Bochs"),
]
BAD_CALIBRATION = ["TSC calibration failed", "unstable"]

# Linux takes the TSC's frequency from CPUID only on an Intel CPU; on others it measures it. The PIT must be read every 6 us, or
# every 10, or the PM timer three times in 50,000 cycles, of clocks that are the host's: under QEMU that depends on the host, but
# not in counted time.
COUNTED = ["--icount"] if ON == "qemu" else []

# What the kernel itself says on the console meanwhile (it may say it between the prompt and what is typed) is kept apart.
BARE_COMMANDS = b"dmesg -n 1; echo log begin''s; dmesg -l err,warn; echo log end''s; poweroff -f\n"


class BareLinux:
    """The same kernel, initramfs and command line as `vm start linux`, in QEMU's `pc`; runs while other things do."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "pc", "-m", "256M", "-display", "none", "-monitor", "none", "-no-reboot", "-nodefaults",
             "-serial", "stdio", "-kernel", str(BUILD / "guests/linux"), "-initrd", str(BUILD / "guests/linux.initrd"), "-append", APPEND],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)

        self.output = b""
        self.reader = threading.Thread(target=self.talk, daemon=True)
        self.reader.start()

    def talk(self):
        typed = False
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.output += data
            if not typed and b"/ # " in self.output:
                typed = True
                os.write(self.process.stdin.fileno(), BARE_COMMANDS)

    def complaints(self):
        """What `dmesg -l err,warn` says there."""
        self.reader.join(GUEST_BOOT_SECONDS * PATIENCE)
        output = self.output.decode(errors="replace").replace("\r", "")
        said = re.search(r"^log begins\n(.*?)^log ends\n", output, re.S | re.M)
        check(said, f"the same kernel under QEMU did not come to its prompt: {output[-500:]!r}")
        return without_times(said[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.reader.join(10)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def without_times(log):
    return [re.sub(r"^\[ *\d+\.\d+\] ", "", line) for line in log.splitlines() if line.strip()]


def check_complaints(got, bare):
    """A line counts as the same if it differs in numbers alone."""
    known = {re.sub(r"\d+", "N", line) for line in bare}
    new = [line for line in got if re.sub(r"\d+", "N", line) not in known and not any(re.match(p, line) for p, _ in COMPLAINTS)]
    check(not new, f"dmesg -l err,warn says what it does not say under QEMU: {new}")


def check_system(mica):
    """What a person looks at first in a guest; at its prompt."""
    said = mica.guest("uname -a")
    check(re.match(r"Linux guest 6\.\S+-cloud-amd64 #\d+ SMP .*Debian.* x86_64 GNU/Linux$", said), f"uname -a: {said!r}")
    said = mica.guest("cat /proc/cpuinfo /proc/interrupts")
    for pattern in (r"processor\s*: 0\n", r"vendor_id\s*: (GenuineIntel|AuthenticAMD)\n", r"flags\s*: .*\bhypervisor\b",
                    r" 4: +\d+ +IO-APIC +4-edge +ttyS0\n", r"LOC: +[1-9]\d+ +Local timer interrupts", r"ERR: +0\n", r"MIS: +0\b"):
        check(re.search(pattern, said), f"no {pattern} in /proc/cpuinfo or /proc/interrupts:\n{said}")
    mhz = float(re.search(r"cpu MHz\s*: ([\d.]+)\n", said)[1])
    check(abs(mhz - mica.tsc_hz() / 1e6) <= 0.01 * mhz or not mhz and ON == "qemu", f"cpu MHz is {mhz}, the machine's TSC has {mica.tsc_hz()} Hz")


def check_log(log):
    """The kernel met a machine that it likes: no ACPI errors, no lost interrupts, no failed calibration."""
    for wanted in (r"Linux version 6\.", r"Command line: console=ttyS0,115200\n", r"Run /init as init process"):
        check(re.search(wanted, log), f"the guest's log does not show {wanted}")
    for bad in (r"ACPI (Error|Exception|BIOS Error)", r"WARNING: CPU", r"BUG: ", r"Call Trace", r"nobody cared", r"[Ff]irmware [Bb]ug",
                r"unchecked MSR", r"timer doesn't work", r"lost sync", *BAD_CALIBRATION):
        match = re.search(r".*" + bad + r".*", log)
        check(not match, f"the guest's kernel says: {match and match[0]}")


def check_long_output(mica):
    """24 KB printed at once arrive, all and in order."""
    numbers = mica.guest("seq 1 5000").split()
    wanted = [str(i) for i in range(1, 5001)]
    if numbers != wanted:
        first = next((i for i, (a, b) in enumerate(zip(numbers, wanted)) if a != b), min(len(numbers), len(wanted)))
        check(False, f"seq 1 5000 differs from number {first + 1} on: {numbers[first:first + 5]}")


def check_paste(mica):
    """Two thousand bytes typed at once arrive, all and in order."""
    text = "".join("abcdefghijklmnopqrstuvwxyz"[i % 26] for i in range(2000))
    lines = "\n".join(text[i:i + 100] for i in range(0, len(text), 100)) + "\n"
    mica.send("stty -echo; echo ready $((1 + 2)); cat > /tmp/paste; stty echo; echo end of paste $((3 + 4))\n")
    mica.expect(r"ready 3\n")  # the shell's line editor, which would take the end of file for a key, is left
    mica.send(lines + "\x04")
    mica.expect(r"end of paste 7\n")
    mica.expect(r"/ # ")
    same(mica.guest("wc -c < /tmp/paste"), str(len(lines)), "bytes that arrived")
    same(mica.guest("tr -d '\\n' < /tmp/paste | md5sum | cut -c1-32"), md5(text), "what arrived")


def md5(text):
    return subprocess.run(["md5sum"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()[:32]


def test_boot_and_use():
    bare = BareLinux()
    try:
        with System(*COUNTED) as mica:
            same(mica.vm_start("vm start linux"), 1, "ID of the first VM")
            begin = mica.position
            mica.enter(1)
            check_log(mica.output[begin:])
            mica.guest("dmesg -n 1")  # from here on nothing gets in between what is printed
            check_system(mica)
            check_complaints(without_times(mica.guest("dmesg -l err,warn")), bare.complaints())
            check_long_output(mica)
            check_paste(mica)
            mica.leave()
            same(mica.vm_start("vm start quick"), 2, "ID of the second VM")
            mica.enter(2)
            mica.guest("echo alive > /tmp/state")
            mica.leave()
            mica.enter(1)
            mica.send("poweroff -f\n")
            mica.expect(r"vm 1 stopped: power off\n")
            mica.leave()
            states = {vm: what["state"] for vm, what in mica.vm_list().items()}
            same(states, {1: "stopped: power off", 2: "running"}, "states after poweroff -f in VM 1")
            same(mica.ask(2, "cat /tmp/state"), "alive", "VM 2 after poweroff -f in VM 1")
            check_reboot(mica)
            mica.power_off()
    finally:
        bare.stop()


def check_reboot(mica):
    """reboot inside reboots that guest."""
    mica.enter(2)
    for command in ("reboot -f", "reboot"):
        mica.guest("echo alive > /tmp/state")
        mica.send(command + "\n")
        mica.expect(r"init at tick \d+", GUEST_BOOT_SECONDS)
        mica.expect(r"/ # ")
        check("No such file" in mica.guest("cat /tmp/state"), f"after {command} the guest has its old memory")
    mica.leave()
    same(mica.vm_list()[2]["state"], "running", "state after reboot in the guest")


def test_clock():
    """The guest's sleep and its date, by the machine's clock; on VT-x on the CPU model without APIC virtualisation. Driven by
    --exec, so that nothing is waited for at the end: the last tick is that of the guest's end."""
    model = ["--model", "corei3_cnl"] if ON == "bochs" else []
    with System(*model, "--exec", "vm start quick; vm console 1; vm wait 1; poweroff", boot=False) as mica:
        mica.expect(r"\[console of vm 1: ", GUEST_BOOT_SECONDS)
        mica.expect(r"/ # ", GUEST_BOOT_SECONDS)
        mica.check_sleep(10)
        mica.send("x=$(date +%s); while [ $(date +%s) = $x ]; do :; done; date +%s; poweroff -f\n")
        date = int(mica.expect(r"\n(1\d{9})\n")[1])  # just when that second began
        stamp = float(mica.expect(r"\[ *(\d+\.\d+)\] vm 1 stopped: power off")[1])
        same(mica.wait(), 0, "status of the run")
        # The log counts from the kernel's start, the date from the machine's: between them are firmware and boot loader.
        check(0 <= date - CLOCK <= stamp + FIRMWARE_SECONDS, f"the date is {date} {stamp} s after the kernel's start, the machine began with {CLOCK}")
        if mica.ticks() is not None:
            end = CLOCK + mica.ticks() / mica.tsc_hz()
            check(-0.5 <= end - date <= 2.5, f"the machine's date at its end is {end:.1f}, the guest's shortly before was {date}")


run_tests(globals())
