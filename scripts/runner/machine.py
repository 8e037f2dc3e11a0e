# SPDX-License-Identifier: MIT
"""The emulators: how each is started so that its first serial port connects to a loopback port of ours, how it is
stopped, and what its log tells of its end."""
import ctypes
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from runner.screen import Screen

BOCHS_CONFIG = """\
config_interface: textconfig
display_library: term
memory: guest={memory}, host={host_memory}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model={model}, count={cpus}, ips=100000000, reset_on_triple_fault=0
clock: sync={sync}, time0={rtc}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, {com1}
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
port_e9_hack: enabled=1
panic: action=fatal
info: action={info}
log: {log}/bochs.log
"""
OVMF = "/usr/share/ovmf/OVMF.fd"
BOCHS_HOST_MEMORY_MAX = 2048  # MiB; the rest of a larger guest is paged to a file by Bochs
BOCHS_DEFAULT_MODEL = "corei7_haswell_4770"
# One nanosecond per instruction; RDRAND from a seed, as Linux places itself by it.
QEMU_COUNTED = ["-icount", "shift=0,sleep=off", "-seed", "1"]
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)  # now: a child between fork and exec had better load nothing


def qemu_date(when):
    """--rtc for QEMU."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(when))) if when.isdigit() else when


def die_with_parent(number=signal.SIGKILL):
    """In the child: that signal when the thread that started it ends, however it ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def end_with_parent():
    """The same with SIGTERM, for programs that have something to clear away."""
    die_with_parent(signal.SIGTERM)


class Machine:
    """One emulator process. `log` is the folder for its files."""

    ends_at_reset = False
    debug_log = "debug.out"  # what the machine writes to port E9h

    def __init__(self, options, iso, port, log):
        self.options, self.iso, self.port, self.log = options, iso, port, Path(log)
        self.process = None

    def command(self):
        raise NotImplementedError

    def start(self):
        command = self.command()
        with open(self.log / "emulator.out", "wb") as out, open(self.log / "emulator.err", "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env={**os.environ, "TERM": "linux"}, start_new_session=True,
                                            preexec_fn=die_with_parent)

    def ended(self):
        return self.process.poll() is not None

    def stop(self):
        """Ends the emulator if it still runs, and reaps it."""
        if self.process is None:
            return
        for number, patience in ((signal.SIGINT, 2.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, None)):
            if self.process.poll() is not None:
                return
            self.process.send_signal(number)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue

    def read_log(self, name):
        try:
            return (self.log / name).read_text(errors="replace")
        except OSError:
            return ""

    def said(self, text):
        """Did the system itself say so, rather than a guest whose console is shown?"""
        return text in self.read_log(self.debug_log)

    def ticks(self):
        return None

    def complaint(self):
        """What the emulator says about an end that was not a power-off, or None."""
        lines = [line for line in self.read_log("emulator.err").splitlines() if line.strip()]
        return lines[-1] if lines else None


class Bochs(Machine):
    debug_log = "emulator.out"

    def start(self):
        super().start()
        Screen(self, self.log / "screen.out").start()

    def command(self):
        options = self.options
        config = BOCHS_CONFIG.format(
            memory=options.memory, host_memory=min(options.memory, BOCHS_HOST_MEMORY_MAX), cpus=options.cpus,
            model=options.model or BOCHS_DEFAULT_MODEL, sync="slowdown" if options.interactive else "none",
            rtc=options.rtc, iso=self.iso, com1=self.com1(), log=self.log, info="report" if options.log else "ignore")
        (self.log / "bochsrc").write_text(config)
        (self.log / "bochs.rc").write_text(self.debugger_commands())
        return ["bochs", "-q", "-f", str(self.log / "bochsrc"), "-rc", str(self.log / "bochs.rc")]

    def com1(self):
        return f"mode=socket-client, dev=127.0.0.1:{self.port}"

    def debugger_commands(self):
        return "c\n"  # Debian's Bochs has its debugger built in: continue

    def ticks(self):
        counts = re.findall(r"\(\d+\)\.\[(\d+)\]", self.read_log("emulator.out"))  # perhaps behind what came from port E9h
        return int(counts[-1]) if counts else None

    def complaint(self):
        said = re.search(r"Bochs is exiting with the following message:\n(.*)", self.read_log("emulator.err"))
        if not said or "hutdown requested" in said[1] or "ACPI control: soft power off" in said[1]:
            return None
        return said[1].strip()


class Qemu(Machine):
    ends_at_reset = True  # -no-reboot: a triple fault must not look like a new start

    def command(self):
        options = self.options
        rtc = qemu_date(options.rtc)
        accelerate = ["-enable-kvm", "-cpu", options.model or "host"] if options.on == "kvm" else \
                     ["-accel", "tcg", "-cpu", options.model or "max"]
        if options.icount:
            accelerate += QEMU_COUNTED
            rtc += ",clock=vm"
        debug = ["-gdb", f"tcp:127.0.0.1:{options.gdb}", "-S"] if options.gdb else []
        monitor = f"unix:{options.monitor},server=on,wait=off" if options.monitor else "none"
        return ["qemu-system-x86_64", "-M", "pc", *accelerate, "-smp", str(options.cpus), "-m", f"{options.memory}M",
                "-display", "none", "-monitor", monitor, "-nodefaults", "-vga", "std", "-no-reboot", "-rtc", f"base={rtc}",
                "-debugcon", f"file:{self.log / self.debug_log}", *self.medium(),
                "-chardev", f"socket,id=com1,host=127.0.0.1,port={self.port},server=off,nodelay=on",
                "-serial", "chardev:com1", *debug]

    def medium(self):
        options = self.options
        if options.icount:
            return ["-kernel", str(self.iso)]
        firmware = ["-bios", OVMF] if options.firmware == "uefi" else []
        if options.stick:
            return [*firmware, "-drive", f"file={self.iso},if=none,id=stick,format=raw,readonly=on", "-device", "qemu-xhci",
                    "-device", "usb-storage,drive=stick,bootindex=0"]
        return [*firmware, "-drive", f"file={self.iso},media=cdrom,if=ide,format=raw,readonly=on", "-boot", "d"]


MACHINES = {"bochs": Bochs, "qemu": Qemu, "kvm": Qemu}
