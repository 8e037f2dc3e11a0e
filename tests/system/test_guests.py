# SPDX-License-Identifier: MIT
"""Other people's kernels in a VM, and what small test kernels expect of the machine. Kernels come from Debian packages and are kept in BUILD/cache."""
import re
import subprocess
import time
from console import BOOT_SECONDS, BUILD, GUEST_BOOT_SECONDS, PATIENCE, QUICK_APPEND, ROOT, Skip, System, check, run_tests, same, temporary
from test_screen import read_ppm

WINDOW_SECONDS = 600


def stock(name):
    """The files that guests/stock.sh makes, as options of scripts/run: k is the kernel, i its initrd."""
    result = subprocess.run([str(ROOT / "guests/stock.sh"), name, str(BUILD)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        raise Skip(f"no {name}: {result.stderr.strip()}")
    return [option for key, path in zip("ki", result.stdout.split()) for option in ("--file", f"{key}={path}")]


def tiny(*names):
    return [option for name in names for option in ("--file", f"{name}={BUILD}/guests/{name}.bin")]


def screen_shows(mica, vm, pattern, seconds=BOOT_SECONDS):
    """Asks for the screen until it matches; returns it."""
    end = time.monotonic() + seconds * PATIENCE
    while not re.search(pattern, screen := mica.command(f"vm screen {vm}")):
        check(time.monotonic() < end, f"no {pattern!r} on the screen in {seconds} s; it shows:\n{screen}")
        mica.command("sleep 1")
    return screen


CHECK = ("--file", f"rules={BUILD}/guests/check.bin")


def test_small_kernels():
    environ = temporary("NR_CPUS=1\nMEMSIZE=64\n")
    module = temporary("module of a PVH kernel")
    with System("--boot-only-files", *tiny("pc", "task", "pvh"), "--file", f"environ={environ}", "--file", f"m={module}") as mica:
        for vm, command, shown in ((1, 'pc -initrd environ -append "one two"', r"pc one two\s+NR_CPUS=1\s+MEMSIZE=64\s+64 MiB\s"),
                                   (2, "task", r"\]\s"), (3, 'pvh -initrd m -append "word"', r"entered by PVH")):
            mica.command(f"vm run -m 64M -kernel {command}")
            stopped = mica.command(f"vm wait {vm}")
            mica.send(f"vm console {vm}\n")
            mica.expect(r"\[console of vm")
            mica.expect(shown)
            mica.leave()
            check("stopped: exit code 0\n" in stopped, f"{command}: {stopped}")
            check("stopped: exit code 0" in mica.vm_list()[vm]["state"], f"vm list after {command}")
        mica.power_off()


def test_mica_in_mica():
    """A Multiboot 2 kernel with modules: this one."""
    with System("--boot-only-files", "--file", f"mica={BUILD}/mica.boot.elf") as mica:
        mica.command("vm run -m 128M -kernel mica -initrd root,console,shell,vmm")
        mica.send("vm console 1\n")
        mica.expect(r"\[console of vm 1[^\n]*\n(.*\n)*.*Mica, a microhypervisor")
        mica.expect(r"virt: no VMs")
        mica.expect(r"mica> $")
        mica.send("poweroff\n")
        mica.expect(r"vm 1 stopped: power off")
        mica.leave()
        mica.power_off()


# What QEMU 7.2's CPU does otherwise than the manual says, in a VM as on the bare emulator.
QEMU_DIFFERS = {
    "LSTAR not canonical", "CSTAR not canonical", "FS base not canonical", "GS base not canonical", "kernel GS base not canonical",
    "general detect", "its delivery clears DR7.GD", "STI does not hold single steps back", "INT1 is a #DB behind it, DR6 without a cause",
    "#GP whose gate is not present: #NP, which makes #DF", "error code of #DF", "its error code names the gate, EXT for an exception", "RF in the frame of #UD",
    "its error code names the gate",
}


def check_rules(*options):
    with System("--boot-only-files", *CHECK, *options) as mica:
        mica.command("vm run -m 64M -kernel rules")
        mica.send("vm console 1\n")
        begin = mica.position
        mica.expect(r"DONE", 300)
        mica.leave()
        lines = re.findall(r"(?m)^(PASS|FAIL): (.*?)(?:: got .*)?$", mica.output[begin:])
        check(len(lines) > 300, f"only {len(lines)} rules were checked")
        known = QEMU_DIFFERS if mica.on == "qemu" else set()
        wrong = {rule for verdict, rule in lines if verdict == "FAIL"} - known
        check(not wrong, f"the machine does not do as the manual says: {sorted(wrong)}")
        mica.power_off()


def test_exception_frame_in_a_device():
    with System("--boot-only-files", *CHECK) as mica:
        mica.command("vm run -m 64M -kernel rules -append lost")
        said = mica.command("vm wait 1")
        check(re.search(r"delivers interrupt or exception 6 at 8:\w+ through memory that is not RAM: guest-physical ff000f", said), said)
        mica.power_off()


def test_resets_that_return_to_the_guest():
    with System("--boot-only-files", *CHECK) as mica:
        mica.command("vm run -m 64M -kernel rules -append warm")
        mica.send("vm console 1\n")
        begin = mica.position
        mica.expect(r"DONE", 60)
        mica.leave()
        said = mica.output[begin:]
        check(said.count("PASS: ") == 4 and "FAIL: " not in said, said)
        mica.power_off()


def test_rules_of_the_manual():
    check_rules()


def test_rules_in_counted_time():
    check_rules("--icount")


def test_memtest_as_a_kernel():
    with System("--boot-only-files", *stock("memtest")) as mica:
        mica.command('vm run -m 32M -kernel k -append "keyboard=legacy"')
        screen = screen_shows(mica, 1, r"Test #[1-9]")
        check(re.search(r"Memtest86\+ v\d", screen), f"its screen: {screen}")
        check("Errors: 0" in screen, f"it found errors: {screen}")
        mica.power_off()


def test_kernels_that_start_in_real_mode():
    ipxe, memdisk = stock("ipxe"), [option.replace("k=", "md=") for option in stock("memdisk")]
    with System("--boot-only-files", *ipxe, *memdisk, "--file", f"fd={BUILD}/guests/floppy/screen.img") as mica:
        for vm, command, shown in ((1, "k", r"iPXE .*Open Source Network Boot"), (2, "md -initrd fd -append floppy", r"Mica:  READY")):
            mica.command(f"vm run -m 32M -kernel {command}")
            screen_shows(mica, vm, shown)
        mica.power_off()


def test_xen_boots_to_its_own_console():
    with System("--boot-only-files", *stock("xen"), "--file", f"linux={BUILD}/guests/linux") as mica:
        mica.command('vm run -m 512M -kernel k -initrd linux -append "com1=115200,8n1 console=com1 noreboot loglvl=all"')
        mica.send("vm console 1\n")
        mica.expect(r"\(XEN\) Xen version \d")
        mica.expect(r"\(XEN\) DMI 2\.\d present")
        mica.expect(r"\(XEN\) Brought up 1 CPUs", GUEST_BOOT_SECONDS)  # it waits for a second of the RTC
        mica.expect(r"\(XEN\) \*\*\* Building a PV Dom0 \*\*\*", GUEST_BOOT_SECONDS)
        mica.leave()
        mica.power_off()


def test_memory_on_both_sides_of_the_hole():
    with System("--memory", "7G") as mica:
        vm = mica.vm_start(f'vm run -m 5G -kernel linux -initrd linux.initrd -append "{QUICK_APPEND}"')
        mica.enter(vm)
        total = int(re.search(r"MemTotal:\s+(\d+) kB", mica.guest("cat /proc/meminfo"))[1])
        check(4_900_000 < total < 5_242_880, f"the guest of 5G sees {total} kB")
        check("0x0000000100000000-0x000000017fffffff] usable" in mica.guest("dmesg | grep BIOS-e820"), "the memory above 4 GiB")
        mica.leave()
        mica.power_off()


def test_memory_of_every_size():
    sizes = ("6M", "16M", "64M", "65537K", "256M", "1G", "3G", "3073M", "3584M", "4G", "6G")
    with System("--memory", "9G", "--boot-only-files", *CHECK) as mica:
        for vm, size in enumerate(sizes, 1):
            mica.command(f"vm run -m {size} -kernel rules -append memory", 900)
            said = mica.command(f"vm wait {vm}")
            check("exit code 0" in said, f"{size}: {said}")
            mica.command(f"vm kill {vm}")
        mica.power_off()


def test_too_little_memory_is_said():
    with System() as mica:
        said = mica.command("vm run -m 64M -kernel linux -initrd linux.initrd")
        check(re.search(r"linux: needs \d+ KiB at 0x1000000, the VM's memory ends at 0x4000000: give it more", said), f"it says {said}")
        same(mica.vm_list(), {}, "vm list")
        mica.power_off()


def installer_asks(arch):
    """Debian's installer starts on the serial console, asks for a language, and goes on to the next question when one is chosen."""
    with System("--boot-only-files", "--memory", "2048", *stock(f"installer-{arch}")) as mica:
        vm = mica.vm_start('vm run -n installer -m 1024M -kernel k -initrd i -append "console=ttyS0 quiet DEBIAN_FRONTEND=text"')
        mica.send(f"vm console {vm}\n")
        mica.expect(r"Select a language(.*\n)*.*Prompt:", WINDOW_SECONDS)
        mica.send("\r")
        mica.expect(r"Select your location(.*\n)*.*Prompt:", WINDOW_SECONDS)
        mica.leave()
        mica.power_off()


def test_installer_amd64():
    installer_asks("amd64")


def test_installer_i386():
    installer_asks("i386")


def test_graphical_installer():
    """Debian's installer sets a mode of its own and shows its first window, drawn in thousands of colours."""
    with System("--boot-only-files", "--memory", "3072", *stock("graphical-amd64")) as mica:
        vm = mica.vm_start('vm run -n installer -m 1024M -kernel k -initrd i -append "vga=788 priority=low console=tty0"')
        end = time.monotonic() + WINDOW_SECONDS * PATIENCE
        while True:
            said = mica.command(f"vm screenshot {vm} window")
            if "pixels of vm" in said:
                width, height, pixels = read_ppm(mica.log / "window.ppm")
                if (width, height) == (1024, 768) and len({pixels[n:n + 3] for n in range(0, len(pixels), 3)}) > 1000:
                    break
            check(time.monotonic() < end, f"no window: {said}")
            mica.command("sleep 10")
        mica.power_off()


run_tests(globals())
