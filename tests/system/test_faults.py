#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the machine does to the kernel: NMIs, machine checks, and accesses that its page tables and control registers forbid,
provoked from outside through QEMU's monitor and debugger port."""
import contextlib
import re
import socket
import tempfile
import time

from console import BOOT_SECONDS, BUILD, PATIENCE, System, check, run_tests, same
from monitor import Debugger, Monitor

KERNEL_HALF = 0xffff800000000000
DIRECT, IMAGE = 0xffff800000000000, 0xffffffff80000000
CR0_WP, CR4_SMEP, CR4_SMAP, CR4_MCE, EFER_NXE = 1 << 16, 1 << 20, 1 << 21, 1 << 6, 1 << 11
SIZES = (4 << 10, 2 << 20, 1 << 30)
MCE = "mce 0 1 0xb600000000000135 0x5 0x12345000 0"  # CPU 0, bank 1: valid, uncorrected, enabled, with an address, context corrupt
MOV_RDI = bytes.fromhex("488b07")                   # mov (%rdi), %rax


@contextlib.contextmanager
def watched(*options, **arguments):
    """The system, and QEMU's monitor."""
    with tempfile.TemporaryDirectory(prefix="mica-faults-") as folder:
        path = f"{folder}/monitor"
        with System("--monitor", path, *options, on="qemu", **arguments) as mica:
            yield mica, Monitor(path)


def with_vm(mica, name, arguments=""):
    return mica.vm_start(f"vm run -n {name} -m 4M -kernel tiny/{name} {arguments}")


def wait_idle(monitor):
    end = time.monotonic() + 60 * PATIENCE
    while "HLT=1" not in monitor.command("info registers"):
        check(time.monotonic() < end, "the machine is never idle")
        time.sleep(0.1)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def debugged(*options):
    """The same, at its prompt, with a debugger."""
    port = free_port()
    with watched("--gdb", str(port), *options, boot=False) as (mica, monitor):
        debugger = Debugger(port)
        debugger.go_on()
        mica.expect("mica> $", BOOT_SECONDS)
        yield mica, monitor, debugger


def symbol(name):
    return int(re.search(rf"^([0-9a-f]+) . {name}$", (BUILD / "mica.sym").read_text(), re.M)[1], 16)


# ---------------------------------------------------------------- page tables
def mappings(monitor):
    """[(address, physical, size, writable, executable, user)] of the address space in use, by `info tlb`."""
    rows = [(int(m[1], 16), int(m[2], 16), m[3]) for m in
            re.finditer(r"^([0-9a-f]{16}): ([0-9a-f]{16}) (\S{9})$", monitor.command("info tlb"), re.M)]
    found = []
    for i, (address, physical, flags) in enumerate(rows):
        room = (rows[i + 1][0] if i + 1 < len(rows) else 1 << 64) - address
        large = SIZES[2] if room >= SIZES[2] and address % SIZES[2] == 0 == physical % SIZES[2] else SIZES[1]
        found.append((address, physical, large if flags[2] == "P" else SIZES[0], "W" in flags, flags[0] != "X", "U" in flags))
    return found


def check_tables(rows, where):
    check(len(rows) > 50, f"{where}: info tlb shows only {len(rows)} pages")
    for address, _, _, writable, executable, user in rows:
        check(not (writable and executable), f"{where}: the page at {address:x} is writable and executable")
        check(user == (address < KERNEL_HALF), f"the page at {address:x} is on the wrong side")
    code = [row for row in rows if row[0] >= KERNEL_HALF and row[4]]
    check(code and all(row[0] >= IMAGE for row in code), "kernel code is not where it is linked")
    for _, physical, size, *_ in code:
        for address, other, length, writable, _, _ in rows:
            overlap = physical < other + length and other < physical + size
            check(not (overlap and writable), f"code at physical {physical:x} can be written at {address:x}")


def check_registers(monitor):
    registers = monitor.command("info registers")
    cr0, cr4, efer = (int(re.search(rf"{name} *=([0-9a-f]+)", registers)[1], 16) for name in ("CR0", "CR4", "EFER"))
    check(cr0 & CR0_WP and cr4 & CR4_SMEP and cr4 & CR4_SMAP and cr4 & CR4_MCE and efer & EFER_NXE,
          f"control registers: CR0 {cr0:x} CR4 {cr4:x} EFER {efer:x}")


def test_no_page_is_writable_and_executable():
    with debugged("--cpus", "2") as (mica, monitor, debugger):
        wait_idle(monitor)
        for cpu in (0, 1):
            monitor.command(f"cpu {cpu}")
            check_tables(mappings(monitor), f"CPU {cpu}")
            check_registers(monitor)
        mica.send("vm run -n vector -m 4M -kernel tiny/vector -append 9\n")
        mica.expect("started")
        debugger.stop()
        debugger.go_to(symbol("vcpu_event"))  # in the VMM's address space
        monitor.command("cpu 0")
        check_tables(mappings(monitor), "a VMM")


# ---------------------------------------------------------------- the kernel touches user memory
def kernel_text():
    """[(address, bytes)] of the kernel's code."""
    image = (BUILD / "mica.elf").read_bytes()
    segments = int.from_bytes(image[32:40], "little")
    for i in range(int.from_bytes(image[56:58], "little")):
        header = image[segments + 56 * i:][:56]
        flags = int.from_bytes(header[4:8], "little")
        offset, address, _, size = (int.from_bytes(header[at:at + 8], "little") for at in (8, 16, 24, 32))
        if flags == 5 and address >= IMAGE:
            return address, image[offset:offset + size]
    raise AssertionError("no code in build/mica.elf")


def panic_after(change, wanted):
    """Stops the idle machine in the kernel, changes registers there, and reads the panic that follows."""
    with debugged() as (mica, monitor, debugger):
        wait_idle(monitor)
        debugger.stop()
        user = next(row[0] for row in mappings(monitor) if row[5] and row[4])
        change(debugger, user)
        debugger.go_on()
        said = mica.expect(r"(?s)mica: PANIC: cpu0: page fault \(#14\) in the kernel\n.*mica: stopped")[0]
        error, address = (int(re.search(rf"{name} ([0-9a-f]{{16}})", said)[1], 16) for name in ("err", "cr2"))
        same((error, address), (wanted, user), "error code and address of the page fault")


def test_kernel_cannot_execute_user_memory():
    panic_after(lambda debugger, user: debugger.set_register(Debugger.RIP, user), 0x11)


def test_kernel_cannot_read_user_memory():
    address, code = kernel_text()
    load = address + code.index(MOV_RDI)

    def read(debugger, user):
        debugger.set_register(Debugger.RDI, user)
        debugger.set_register(Debugger.RIP, load)
    panic_after(read, 0x01)


# ---------------------------------------------------------------- NMI
def nmis(mica):
    return len(re.findall(r"NMI at 0x[0-9a-f]+", mica.command("log")))


def send_nmis(mica, monitor, count):
    """One is sent when the log tells of the one before: two at once may be one."""
    for _ in range(count):
        told, end = nmis(mica), time.monotonic() + 60 * PATIENCE
        monitor.command("nmi")
        while nmis(mica) == told:
            check(time.monotonic() < end, f"the log goes on telling of {told} NMIs")


def test_nmis_are_told_and_the_system_goes_on():
    with watched("--cpus", "2") as (mica, monitor):
        send_nmis(mica, monitor, 3)                 # idle: in the kernel
        vm = with_vm(mica, "spin")                  # in a guest that never exits by itself
        send_nmis(mica, monitor, 5)
        same(mica.vm_list()[vm]["state"], "running", "state of the guest")
        mica.command(f"vm kill {vm}")
        vm = with_vm(mica, "vector", "-append 4")   # exits all the time: guest, kernel and VMM in turn
        for _ in range(40):
            monitor.command("nmi")
            time.sleep(0.05)
        check(f"vm {vm} stopped: exit code 0" in mica.command(f"vm wait {vm}"), "the guest did not end well")
        mica.power_off()


# ---------------------------------------------------------------- machine checks, and what a panic shows
def check_panic(said):
    for what in (r"mica: PANIC: cpu0: machine check: bank 1, status 0xb600000000000135, address 0x12345000",
                 r"rip [0-9a-f]{16}  cs [0-9a-f]{4}  rflags [0-9a-f]{8}  rsp [0-9a-f]{16}", r"rax [0-9a-f]{16}", r"r15 [0-9a-f]{16}",
                 r"cr0 [0-9a-f]{16}  cr2 [0-9a-f]{16}  cr3 [0-9a-f]{16}  cr4 [0-9a-f]{16}",
                 r"mica: called from \(most recent first\):\n", r"mica: last VM exits of cpu0 \(most recent last\):\n"):
        check(re.search(what, said), f"the panic does not show {what}:\n{said}")


def machine_check(mica, monitor):
    monitor.command(MCE)
    said = mica.expect(r"(?s)mica: PANIC.*mica: stopped")[0]
    check_panic(said)
    return said


def test_machine_check_in_the_kernel():
    with watched("--cpus", "2") as (mica, monitor):
        wait_idle(monitor)
        said = machine_check(mica, monitor)
        check(re.search(r"  0xf{8}8[0-9a-f]{7} (idle|asm_hlt_once|schedule\w*)\+0x", said), f"no symbol in the backtrace:\n{said}")
        same(mica.wait(), 1, "status of scripts/run")


def test_machine_check_after_an_exit_shows_the_last_exits():
    """In the guest itself it cannot be tried: QEMU 7.2 resets the machine where the guest's CR4.MCE is clear."""
    with debugged() as (mica, monitor, debugger):
        mica.send("vm run -n vector -m 4M -kernel tiny/vector -append 9\n")
        mica.expect("started")
        time.sleep(1)
        debugger.stop()
        debugger.go_to(symbol("vcpu_event"))
        monitor.command(MCE)
        debugger.go_on()
        said = mica.expect(r"(?s)mica: PANIC.*mica: stopped")[0]
        check_panic(said)
        exits = re.findall(r"^  exit (0x[0-9a-f]+) at rip (0x[0-9a-f]+), (\d+) ticks ago$", said, re.M)
        same(len(exits), 16, "VM exits shown")
        check(sum(code == "0x72" for code, _, _ in exits) > 8, f"they are not CPUID exits: {exits}")
        check(all(0x200000 <= int(rip, 16) < 0x300000 for _, rip, _ in exits), f"they are not the guest's: {exits}")
        ages = [int(age) for _, _, age in exits]
        same(ages, sorted(ages, reverse=True), "order of the exits")


if __name__ == "__main__":
    run_tests(globals())
