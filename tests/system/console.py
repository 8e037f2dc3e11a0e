# SPDX-License-Identifier: GPL-2.0-only
"""Drives the whole system as a user does: starts scripts/run, types, and waits for what should appear.

A test file defines functions test_NAME() and ends with `run_tests(globals())`; each becomes one line PASS, FAIL or
SKIP. MICA_ON=qemu runs a test that does not care on QEMU (SVM) instead of Bochs (VT-x). Wall-clock limits are generous
and can be stretched by MICA_PATIENCE=FACTOR on a slow host."""
import codecs
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("B", "build")
PATIENCE = float(os.environ.get("MICA_PATIENCE", "1"))
PROMPT = r"mica> $"
GUEST_PROMPT = r"/ # (\x1b\[6n)?$"
LEAVE_CONSOLE = "\x1d"
CLOCK = 1700000000          # the machine's date at its start: runs repeat
BOCHS_TICKS_PER_SECOND = 100_000_000
ON = os.environ.get("MICA_ON", "bochs")
SLACK = 0.2 if ON == "bochs" else 1.5  # seconds that a guest may be late: QEMU's clock is the host's, and others use that
BOOT_SECONDS = 90
COMMAND_SECONDS = 60
GUEST_BOOT_SECONDS = 240


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

    def __init__(self, *options, on=ON, boot=True, timeout=1200):
        self.folder = tempfile.TemporaryDirectory(prefix="mica-test-")
        self.log = Path(self.folder.name)
        self.errors = open(self.log / "run.err", "w+")
        self.process = subprocess.Popen(
            [str(ROOT / "scripts/run"), "--on", on, "--log", str(self.log), "--timeout", str(timeout * PATIENCE),
             "--rtc", str(CLOCK), *options],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.on, self.start = on, time.time()
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.output = ""    # all that was printed, without carriage returns
        self.position = 0   # up to where expect() has consumed it
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
        """Types a line to the guest's shell; returns what it printed."""
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

    def end_date(self):
        """The machine's date when it went off: Bochs counts ticks, QEMU's clock is the host's."""
        if self.on != "bochs":
            return CLOCK + time.time() - self.start
        match = re.search(r"^ticks: (\d+)", self.complaint(), re.M)
        check(match, f"scripts/run prints no ticks: {self.complaint()}")
        return CLOCK + int(match[1]) / BOCHS_TICKS_PER_SECOND

    def tsc_hz(self):
        """The frequency that the kernel measured and said at boot."""
        return float(re.search(r" tsc: (\d+\.\d+) MHz", self.output)[1]) * 1e6

    def guest_seconds(self, command, seconds=COMMAND_SECONDS):
        """How long a command takes in a guest, by the machine's time stamp counter."""
        begin, end = map(int, self.guest(f"ticks; {command}; ticks", seconds).split())
        return (end - begin) / self.tsc_hz()


def temporary(text_or_bytes):
    """A file with that content, removed at the end of the test program."""
    file = tempfile.NamedTemporaryFile(prefix="mica-test-")
    file.write(text_or_bytes if isinstance(text_or_bytes, bytes) else text_or_bytes.encode())
    file.flush()
    KEPT.append(file)
    return file.name


KEPT = []


def run_tests(module):
    """Runs the module's test functions in their order; ends the program with 0 or 1."""
    only = sys.argv[1:]
    failed = False
    stem = Path(module["__file__"]).stem[len("test_"):]
    for name, function in list(module.items()):
        if not name.startswith("test_") or not callable(function) or only and name[5:] not in only:
            continue
        label = f"{stem}: {name[5:].replace('_', ' ')}" + ("" if ON == "bochs" else f" on {ON}")
        start = time.monotonic()
        try:
            function()
            print(f"PASS: {label} ({time.monotonic() - start:.0f} s)", flush=True)
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
