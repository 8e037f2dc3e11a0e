# SPDX-License-Identifier: MIT
"""Drives the whole system as a user does: starts scripts/run, types, and waits for what should appear.

A test file defines functions test_NAME() and ends with `run_tests(globals())`; each becomes one line PASS, FAIL or
SKIP. MICA_ON=bochs runs them on Bochs (VT-x) instead of QEMU (SVM); scenarios.py says which of them `make test` runs where.
Tests judge what is printed; the limits in seconds are there to end a hang, and MICA_PATIENCE=FACTOR stretches them."""
import codecs
import os
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
from runner.machine import end_with_parent  # noqa: E402

BUILD = ROOT / os.environ.get("B", "build")
PATIENCE = float(os.environ.get("MICA_PATIENCE", "1"))
PROMPT = r"mica> $"
GUEST_PROMPT = r"/ # (\x1b\[6n)?(\n?\[ *\d+\.\d+\] [^\n]*\n+)*$"  # the kernel's messages may come behind it
LEAVE_CONSOLE = "\x1d"
CLOCK = 1700000000          # the machine's date at its start: runs repeat
ON = os.environ.get("MICA_ON", "qemu")
EXACT = ON == "bochs"       # time is counted in instructions; QEMU's is this host's, and others use the host, too
BOCHS_HZ = 100_000_000
BACKEND = {"bochs": "VT-x", "qemu": "SVM"}[ON]
QUICK_APPEND = "console=ttyS0,115200 quiet cryptomgr.notests"  # as in quick.cfg
NO_LINUX = ("--guests", "")  # options of a System that starts only tiny guests: its medium loads in half the time
BOOT_SECONDS = 300
COMMAND_SECONDS = 300
GUEST_BOOT_SECONDS = 900


def vm_cpus(count):
    """Options for a machine where VMs run on that many CPUs: on several CPUs QEMU's first runs none (user/root/vms.c)."""
    return "--cpus", str(count + (ON == "qemu" and count > 1))


class Failure(Exception):
    """A test's expectation was not met."""


class Skip(Exception):
    """A test cannot run here."""


def check(condition, what):
    if not condition:
        raise Failure(what)


def same(got, wanted, what):
    check(got == wanted, f"{what}: got {got!r}, wanted {wanted!r}")


class System:
    """One run of the system. Use with `with`; everything is ended and reaped at its end."""

    def __init__(self, *options, on=ON, boot=True, timeout=3000):
        guests = [] if {"--guests", "--boot-only-files"} & set(options) else \
                 ["--guests", "linux", "--file", f"guests/quick.cfg={ROOT}/tests/system/quick.cfg"]
        self.folder = tempfile.TemporaryDirectory(prefix="mica-test-")
        self.log = Path(self.folder.name)
        self.errors = open(self.log / "run.err", "w+")
        self.process = subprocess.Popen(
            [str(ROOT / "scripts/run"), "--on", on, "--log", str(self.log), "--timeout", str(timeout * PATIENCE),
             "--rtc", str(CLOCK), *guests, *options],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, preexec_fn=end_with_parent)
        self.on = on
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.output = ""    # all that was printed, without carriage returns
        self.position = 0   # up to where expect() has consumed it
        self.lines = 0      # typed to guests
        self.boot = boot

    def __enter__(self):
        if self.boot:
            try:
                self.expect(PROMPT, BOOT_SECONDS)
            except Failure:
                self.close()
                raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        self.folder.cleanup()

    def complaint(self):
        self.errors.seek(0)
        return self.errors.read().strip()

    def read(self, seconds):
        """Takes what was printed within that time; False at the end of the output."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += self.decoder.decode(data).replace("\r", "")
        return bool(data)

    def expect(self, pattern, seconds=COMMAND_SECONDS):
        """Waits until the unread output matches; returns the match, and goes on behind it."""
        end = time.monotonic() + seconds * PATIENCE
        alive = True
        while True:
            match = re.search(pattern, self.output[self.position:])
            if match:
                self.position += match.end()
                return match
            if not alive or time.monotonic() > end:
                tail = self.output[self.position:][-1500:]
                why = f"no {pattern!r} in {seconds} s" if alive else f"the system ended before {pattern!r}: {self.complaint()}"
                raise Failure(f"{why}; unread output:\n{tail}")
            alive = self.read(0.2)

    def send(self, text):
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise Failure(f"the system ended: {self.complaint()}") from error

    def command(self, line, seconds=COMMAND_SECONDS):
        """Types a line to the shell; returns what it printed up to the next prompt."""
        self.send(line + "\n")
        start = self.position
        self.expect(r"mica> " if not line else re.escape(line[-60:]) + r"\s*?\n", seconds)
        begin = self.position
        self.expect(PROMPT, seconds)
        return self.output[begin if line else start:self.position].rpartition("mica> ")[0]

    # ------------------------------------------------------------ guests
    def vm_list(self):
        """{id: {name, state, mem, cpu, exits}} as `vm list` shows it."""
        lines = self.command("vm list").splitlines()
        header = next((line for line in lines if line.split()[:3] == ["ID", "NAME", "STATE"]), None)
        check(header, f"vm list shows no header: {lines}")
        machines = {}
        for line in lines[lines.index(header) + 1:]:
            match = re.match(r"\s*(\d+)\s+(\S+)\s+(.*?)\s+(\S+)\s+(\S+)\s+(\d+)\s*$", line)
            if match:
                machines[int(match[1])] = dict(name=match[2], state=match[3], mem=match[4], cpu=match[5], exits=int(match[6]))
        return machines

    def vm_start(self, command="vm start linux"):
        """Starts a VM; returns its ID, the one that is new in `vm list`."""
        before = set(self.vm_list())
        said = self.command(command)
        new = set(self.vm_list()) - before
        check(len(new) == 1, f"{command!r} did not start one VM: {said}")
        return new.pop()

    def enter(self, vm, pattern=GUEST_PROMPT, seconds=GUEST_BOOT_SECONDS):
        """Attaches to a VM's console and waits for its prompt."""
        self.send(f"vm console {vm}\n")
        self.expect(rf"\[console of vm {vm}: [^\n]*\n")  # from here on what is typed is the guest's
        return self.expect(pattern, seconds)

    def guest(self, line, seconds=COMMAND_SECONDS):
        """Types a line to the guest's shell; returns what it printed. A comment of its own marks the line: a console that is
        entered again first repeats what was printed before, perhaps the same line."""
        self.lines += 1
        line += f" #{self.lines}"
        self.send(line + "\n")
        echo = r"\n?".join(map(re.escape, line[-40:]))  # the guest's shell breaks lines at column 80
        self.expect(echo + r"\s*?\n", seconds)
        begin = self.position
        match = self.expect(GUEST_PROMPT, seconds)
        return self.output[begin:self.position - len(match[0])].strip()

    def leave(self):
        self.send(LEAVE_CONSOLE)
        self.expect(PROMPT)

    def ask(self, vm, line, seconds=COMMAND_SECONDS):
        """Types a line to the shell of a guest that waits at its prompt, from Mica's prompt and back to it."""
        self.enter(vm)
        answer = self.guest(line, seconds)
        self.leave()
        return answer

    def cpu_seconds(self):
        """{id: CPU time in seconds} of the VMs."""
        return {vm: float(what["cpu"].rstrip("s")) for vm, what in self.vm_list().items()}

    def free_memory(self):
        """{"memory": KiB, "kernel": KiB} that are free."""
        said = self.command("mem")
        free = {name: int(size) for name, size in re.findall(r"^(\w+) .*free +(\d+) KiB$", said, re.M)}
        check(set(free) == {"memory", "kernel"}, f"mem says: {said!r}")
        return free

    # ------------------------------------------------------------ the end
    def wait(self, seconds=COMMAND_SECONDS):
        """Waits for scripts/run to end; returns its status."""
        end = time.monotonic() + seconds * PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.2)
        check(self.process.poll() is not None, f"still running after {seconds} s")
        while self.read(0) and select.select([self.process.stdout], [], [], 0)[0]:
            pass
        return self.process.returncode

    def power_off(self):
        self.send("poweroff\n")
        same(self.wait(), 0, "status after poweroff")

    def ticks(self):
        """How many instructions the machine executed, told at its end; None on QEMU."""
        match = re.search(r"^ticks: (\d+)", self.complaint(), re.M)
        check(match or self.on == "qemu", f"scripts/run prints no ticks: {self.complaint()}")
        return int(match[1]) if match else None

    def tsc_hz(self):
        """The frequency of the machine's time-stamp counter: under QEMU the one that the kernel measured and said at boot."""
        return BOCHS_HZ if self.on == "bochs" else float(re.search(r" tsc: (\d+\.\d+) MHz", self.output)[1]) * 1e6

    def guest_seconds(self, command, seconds=COMMAND_SECONDS):
        """How long a command takes in a guest, by the machine's time stamp counter."""
        begin, end = map(int, self.guest(f"ticks; {command}; ticks", seconds).split())
        return (end - begin) / self.tsc_hz()

    def check_sleep(self, seconds):
        """`sleep` in a guest is never too short, and where time is exact not too long."""
        took = self.guest_seconds(f"sleep {seconds}")
        check(took >= seconds, f"sleep {seconds} took only {took:.6f} s of the machine's time")
        check(took <= seconds + 0.2 or not EXACT, f"sleep {seconds} took {took:.3f} s of the machine's time")


def temporary(text_or_bytes):
    """A file with that content, removed at the end of the test program."""
    file = tempfile.NamedTemporaryFile(prefix="mica-test-")
    file.write(text_or_bytes if isinstance(text_or_bytes, bytes) else text_or_bytes.encode())
    file.flush()
    KEPT.append(file)
    return file.name


KEPT = []


def cpu_seconds():
    """What the programs that ended so far used: how long tests take on a host that does nothing else."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_tests(module):
    """Runs the module's test functions in their order, or those that the arguments name; ends the program with 0 or 1. With
    --list it prints their names."""
    tests = {name[len("test_"):]: function for name, function in module.items() if name.startswith("test_") and callable(function)}
    if sys.argv[1:] == ["--list"]:
        print("\n".join(tests))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended on the way
    failed = False
    stem = Path(module["__file__"]).stem[len("test_"):]
    for name in sys.argv[1:] or tests:
        function, label = tests[name], f"{stem}: {name.replace('_', ' ')} on {BACKEND}"
        start, used = time.monotonic(), cpu_seconds()
        try:
            function()
            print(f"PASS: {label} ({time.monotonic() - start:.0f} s, {cpu_seconds() - used:.0f} of a CPU)", flush=True)
        except Skip as reason:
            print(f"SKIP: {label}: {reason}", flush=True)
        except Failure as reason:
            failed = True
            first, _, rest = str(reason).partition("\n")
            print(f"FAIL: {label}: {first}\n{rest}", flush=True)
        except Exception:  # a mistake in the test itself is a failure with its traceback
            failed = True
            print(f"FAIL: {label}: error in the test\n{traceback.format_exc()}", flush=True)
    sys.exit(1 if failed else 0)
