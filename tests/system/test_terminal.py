# SPDX-License-Identifier: MIT
"""scripts/run and a person at a terminal: keys reach the system, the leave key leaves, the terminal is restored however
the run ends; and what it leaves behind on the host: no process, no port open to others."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from console import BOOT_SECONDS, PATIENCE, ROOT, check, run_tests, same

LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
LISTEN = "0A"


class Person:
    """scripts/run on a pseudo-terminal of its own, or under `make run`."""

    def __init__(self, *command):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(command or [str(ROOT / "scripts/run"), "--on", "qemu", "--timeout", "3000"], cwd=ROOT,
                                        stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True)
        self.output = ""
        self.position = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.wait()
        os.close(self.master)
        os.close(self.slave)

    def read(self, seconds=0.2):
        if select.select([self.master], [], [], seconds)[0]:
            self.output += os.read(self.master, 65536).decode(errors="replace").replace("\r", "")

    def expect(self, pattern, seconds=BOOT_SECONDS):
        end = time.monotonic() + seconds * PATIENCE
        while not (match := re.search(pattern, self.output[self.position:])):
            check(time.monotonic() < end and self.process.poll() is None, f"no {pattern!r}: {self.output[-500:]!r}")
            self.read()
        self.position += match.end()

    def type(self, keys):
        os.write(self.master, keys)

    def wait(self, seconds=120):
        end = time.monotonic() + seconds * PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
        check(self.process.poll() is not None, f"still running after {seconds} s")
        return self.process.returncode

    def check_restored(self):
        same(termios.tcgetattr(self.slave), self.before, "the terminal's settings")


def children(pid):
    """All descendants of a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name_end, parent = path.read_text().rpartition(")")[2], None
            parent = int(name_end.split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            child = int(path.parent.name)
            found += [child] + children(child)
    return found


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def check_gone(pids):
    """Ended, at once or nearly: a killed emulator needs a moment."""
    end = time.monotonic() + 60 * PATIENCE
    while any(map(running, pids)) and time.monotonic() < end:
        time.sleep(0.1)
    same([pid for pid in pids if running(pid)], [], "processes that are left")


def sockets(pids):
    found = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found.add(os.readlink(link))
            except OSError:
                pass
    return {name[8:-1] for name in found if name.startswith("socket:[")}


def listeners(pids):
    """The addresses on which these processes listen, as /proc/net writes them."""
    own, found = sockets(pids), []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            word = line.split()
            if word[9] in own and (word[3] == LISTEN or table.startswith("udp")):
                found.append(word[1].partition(":")[0])
    return found


def test_keys_and_leaving():
    with Person() as person:
        person.expect(r"Ctrl-A x leaves")
        person.expect(r"mica> $")
        pids = [person.process.pid] + children(person.process.pid)
        check(len(pids) >= 2, "no emulator runs")
        check(set(listeners(pids)) <= set(LOOPBACK), f"listens on {listeners(pids)}")
        person.type(b"sleep 100\r")
        person.expect(r"sleep 100\n")
        person.type(b"\x03")  # Ctrl-C is the system's, and ends the command there
        person.expect(r"mica> $")
        person.type(b"echo still $here\r")
        person.expect(r"\nstill \$here\n")
        person.type(b"\x01x")
        same(person.wait(), 0, "status after Ctrl-A x")
        person.check_restored()
        check_gone(pids)


def test_power_off():
    with Person() as person:
        person.expect(r"mica> $")
        pids = children(person.process.pid)
        person.type(b"poweroff\r")
        same(person.wait(), 0, "status after poweroff")
        person.check_restored()
        check_gone(pids)


def test_signals():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        with Person() as person:
            person.expect(r"mica> $")
            pids = children(person.process.pid)
            person.process.send_signal(number)
            same(person.wait(), 130, f"status after signal {number}")
            person.check_restored()
            check_gone(pids)


def test_killed():
    """Even a killed script leaves no emulator."""
    with Person() as person:
        person.expect(r"mica> $")
        pids = children(person.process.pid)
        person.process.kill()
        person.wait()
        check_gone(pids)


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_killed_test():
    """Nor does a test that is killed, whatever the emulator."""
    for backend, emulator in (("qemu", "qemu-system"), ("bochs", "bochs-bin")):
        with Person("env", f"MICA_ON={backend}", sys.executable, "-B", "tests/system/test_shell.py", "commands_answer") as person:
            end, pids = time.monotonic() + BOOT_SECONDS * PATIENCE, []
            while not any(name_of(pid).startswith(emulator) for pid in pids):
                check(time.monotonic() < end, f"{emulator} does not start: {person.output}")
                person.read()
                pids = children(person.process.pid)
            person.process.kill()
            person.wait()
            check_gone(pids)


def test_emulator_dies():
    with Person() as person:
        person.expect(r"mica> $")
        pids = children(person.process.pid)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        same(person.wait(), 1, "status after the emulator died")
        check("the system died" in person.output, f"it says: {person.output[-200:]!r}")
        person.check_restored()


def test_make_run():
    """What a person types, from set-up to the prompt."""
    with Person("make", "run") as person:
        person.expect(r"scripts/run: running under \w+.*: .*\n", 600)
        person.expect(r"mica> $")
        person.type(b"poweroff\r")
        same(person.wait(), 0, "status of make run")
        person.check_restored()


run_tests(globals())
