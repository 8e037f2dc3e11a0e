# SPDX-License-Identifier: MIT
"""What a person does to a PC from outside, by the shell: presses its power button, moves its mouse, changes its floppies and CDs."""
import gzip
import os
import subprocess
import tempfile
from pathlib import Path

from console import BUILD, QUICK_APPEND, ROOT, Skip, System, check, run_tests
from test_dos import MTOOLS, freedos_image, screen_after, screen_shows


def test_power_button_without_acpi():
    with System("--boot-only-files", "--file", f"floppy={BUILD}/guests/floppy/pointer.img") as mica:
        mica.command("vm run -m 4M -fda floppy")
        check("power button pressed" in mica.command("vm power 1"), "vm power")
        check("stopped: power button" in mica.command("vm wait 1"), "a system that knows no ACPI is off at once")
        check("does not run" in mica.command("vm power 1"), "the button of a VM that is off")
        mica.power_off()


def initrd_with(folder, *modules):
    """The Linux guest's initrd with kernel modules in its root."""
    package = next((BUILD / "cache").glob("linux-image-6.1*-cloud-amd64*.deb"), None)
    if not package:
        raise Skip("the kernel's package is not in the cache")
    for module in modules:
        member = subprocess.run(f"dpkg --fsys-tarfile '{package}' | tar -x -O --wildcards '*/{module}.ko'", shell=True,
                                check=True, stdout=subprocess.PIPE).stdout
        (folder / f"{module}.ko").write_bytes(member)
    archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=folder, check=True, stdout=subprocess.PIPE,
                             input="\n".join(f"{m}.ko" for m in modules).encode()).stdout
    initrd = folder / "initrd"
    initrd.write_bytes((BUILD / "guests/linux.initrd").read_bytes() + gzip.compress(archive))
    return initrd


def test_power_button_with_acpi():
    """Linux counts the event and goes on: what it does then is its configuration's."""
    with tempfile.TemporaryDirectory(prefix="mica-outside-") as folder:
        with System("--file", f"i={initrd_with(Path(folder), 'button')}") as mica:
            vm = mica.vm_start(f'vm run -m 256M -kernel linux -initrd i -append "{QUICK_APPEND}"')
            mica.enter(vm)
            mica.guest("insmod /button.ko")
            counter = "cat /sys/firmware/acpi/interrupts/ff_pwr_btn"
            check(mica.guest(counter).split()[0] == "0", "pressed before it was")
            for presses in "12":
                mica.leave()
                mica.command(f"vm power {vm}")
                mica.enter(vm)
                said = mica.guest(counter)
                check(said.split()[0] == presses, f"pressed {presses} times, and the guest counts {said}")
            mica.leave()
            mica.power_off()


def test_sleep():
    """ACPI S3: Linux sleeps until its clock's alarm, and until the power button, and is the same Linux afterwards."""
    with System() as mica:
        vm = mica.vm_start(f'vm run -m 256M -kernel linux -initrd linux.initrd -append "{QUICK_APPEND}"')
        mica.enter(vm)
        check("mem" in mica.guest("cat /sys/power/state"), "the guest knows no S3")
        for wakes in ("alarm", "button"):
            mica.guest(f"echo {wakes} > /tmp/kept")
            if wakes == "alarm":
                mica.guest("echo +3 > /sys/class/rtc/rtc0/wakealarm")
            mica.send("echo mem > /sys/power/state; echo awake by $(cat /tmp/kept)\n")
            mica.leave()
            mica.expect(r"asleep \(S3\)")
            if wakes == "button":
                check("its registers are not to be had" in mica.command(f"vm regs {vm}"), "vm regs of a VM that sleeps")
                check("button pressed" in mica.command(f"vm power {vm}"), "vm power")
            mica.send(f"vm console {vm}\n")
            mica.expect(rf"awake by {wakes}\r?\n/ # ")
            mica.check_sleep(2)
        mica.leave()
        mica.power_off()


def test_mouse():
    with System("--boot-only-files", "--file", f"floppy={BUILD}/guests/floppy/pointer.img") as mica:
        vm = mica.vm_start("vm run -m 4M -fda floppy")
        mica.send(f"vm console {vm} serial\n")
        mica.expect("pointer: ready")
        for move, packet in (("5 3", "8 5 3"), ("-1 -2 1", f"{8 + 0x30 + 1} 255 254"), ("0 0 6", f"{8 + 6} 0 0"), ("0 0", "8 0 0")):
            mica.leave()
            mica.command(f"vm mouse {vm} {move}")
            mica.send(f"vm console {vm} serial\n")
            mica.expect(rf"pointer: {packet}\r?\n")
        mica.leave()
        for wrong in ("x 1", "1", "5000 0", "1 2 3 4 5"):
            said = mica.command(f"vm mouse {vm} {wrong}")
            check("usage:" in said or "numbers from" in said, f"vm mouse {wrong}: {said}")
        mica.power_off()


def floppy_with(path, name, size=1440):
    path.write_bytes(bytes(size * 1024))
    subprocess.run(["mformat", "-i", path, "-f", str(size), "::"], check=True, env=MTOOLS)
    subprocess.run(["mcopy", "-i", path, "-", f"::{name}"], check=True, env=MTOOLS, input=f"this is {name}\r\n".encode())
    return path


def test_floppies():
    """FreeDOS sees the disk that is in its drive; what it wrote to one is there when that comes back."""
    with tempfile.TemporaryDirectory(prefix="mica-outside-") as name:
        folder = Path(name)
        files = [option for disk, size in (("one", 1440), ("two", 720))
                 for option in ("--file", f"{disk}={floppy_with(folder / disk, disk.upper() + '.TXT', size)}")]
        with System("--boot-only-files", "--file", f"dos={freedos_image()}", *files) as mica:
            vm = mica.vm_start("vm run -n dos -m 16M -fda dos -fdb one")
            screen_shows(mica, vm, "A:\\>")
            screen_after(mica, vm, "type b:one.txt", "this is ONE.TXT")
            mica.command(f'vm keys {vm} "echo kept > b:new.txt<enter>"')
            screen_after(mica, vm, "type b:new.txt", "kept")
            check(f"vm {vm}: fdb: two" in mica.command(f"vm insert {vm} fdb two"), "vm insert")
            screen_after(mica, vm, "type b:two.txt", "this is TWO.TXT")
            screen_after(mica, vm, "type b:new.txt", "File not found")
            mica.command(f"vm insert {vm} fdb one")
            screen_after(mica, vm, "type b:new.txt", "kept")
            mica.command(f"vm insert {vm} fdb none")
            screen_after(mica, vm, "type b:new.txt", "Error reading from drive B:")
            mica.command(f"vm insert {vm} fdb one")
            mica.command(f'vm keys {vm} "a"')
            screen_after(mica, vm, "type b:new.txt", "kept")
            for what, answer in (("fdc one", "fda, fdb and cdrom"), ("hda one", "fda, fdb and cdrom"), ("cdrom one", "no cdrom drive"),
                                 ("fda three", "is not among the boot files")):
                said = mica.command(f"vm insert {vm} {what}")
                check(answer in said, f"vm insert {what}: {said}")
            mica.power_off()


def cd_with(folder, name, text):
    tree = folder / f"{name}.tree"
    tree.mkdir()
    (tree / "text").write_text(text)
    (tree / "boot").mkdir()
    environment = {**os.environ, "MTOOLSRC": "/dev/null"}
    image = folder / f"{name}.iso"
    subprocess.run(["grub-mkrescue", "-o", image, tree], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    return image


def test_cds():
    """GRUB's prompt, started from one CD, reads the other one, and that there is none."""
    with tempfile.TemporaryDirectory(prefix="mica-outside-") as name:
        folder = Path(name)
        files = [option for disc in ("one", "two") for option in ("--file", f"{disc}={cd_with(folder, disc, 'this is ' + disc)}")]
        with System("--boot-only-files", *files) as mica:
            vm = mica.vm_start("vm run -n grub -m 64M -cdrom one")
            screen_shows(mica, vm, "grub>")
            for disc, shown in (("one", "this is one"), ("two", "this is two"), ("none", "error:")):
                check("cdrom" in mica.command(f"vm insert {vm} cdrom {disc}"), "vm insert")
                mica.command("sleep 3")  # GRUB keeps what it read for two seconds
                mica.command(f'vm keys {vm} "cat (cd)/text<enter>"')
                screen_shows(mica, vm, shown)
            mica.power_off()


run_tests(globals())
