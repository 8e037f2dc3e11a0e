# SPDX-License-Identifier: MIT
"""Which system test runs on which backend: SVM under QEMU, VT-x under Bochs. One row per test function, one column per backend.

A number says that `make test` runs it there, and about how many seconds that takes on a quiet machine (the longest start first);
`L` behind it: `make test-models` only; `-`: not there. What is in no row runs on SVM."""
import os
import re
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

sys.dont_write_bytecode = True
FOLDER = Path(__file__).resolve().parent
BACKENDS = {"svm": "qemu", "vt-x": "bochs"}
Cell = namedtuple("Cell", "seconds long")        # 0 seconds: does not run there
Scenario = namedtuple("Scenario", "file test cells")  # cells: {backend: Cell}
UNLISTED = {"svm": Cell(60, False), "vt-x": Cell(0, False)}

TABLE = """
test                                                svm   vt-x
linux.boot_and_use                                   21     60
linux.clock                                          10     22
many.two_vms_on_one_cpu                               -     60
many.four_vms_on_one_cpu                            40L   130L
many.four_vms_on_two_cpus                            40   240L
eight.one_cpu                                        25      -
eight.two_cpus                                       25      -
eight.four_cpus                                      25      -
leak.vms_come_and_go                                 15     20
vm.commands                                          16    40L
time.pause                                           15    66L
time.four_busy_guests                                 -   150L
time.four_busy_guests_for_ten_minutes                 -  1200L
badinput.everything_that_can_be_wrong                11    25L
bios.answers_beside_other_bioses                     20      -
firmware.freedos_floppy                              10     18
disk.linux_from_a_disk                               44      -
bootsectors.screens_as_on_another_pc                 25      -
bootsectors.x87_errors                                -    15L
media.untouched                                      40      -
media.media_that_lie                                 11      -
media.memtest_a_full_pass                          220L      -
media.linux_from_a_cd                                40      -
media.emulated_disks                                 20      -
media.memdisk                                       30L      -
media.boot_records                                  30L      -
media.loadlin                                       40L      -
dos.programs                                         30   280L
dos.other_peoples_programs                           40   200L
firmware.grub_from_cd                                15      -
firmware.nothing_to_boot_and_bad_disks               15      -
screen.console                                        6     12
screen.pictures_are_those_of_qemu                    40      -
screen.picture                                        -     13
screen.machines_screen_and_keyboard                   6      -
screen.graphics_on_the_machines_screen               15      -
screen.graphics_on_a_framebuffer                     20      -
screen.linux_on_its_screen                           15    60L
recipes.freedos                                       6    14L
recipes.memtest                                      11      -
recipes.grub                                         10      -
recipes.what_is_missing_or_misspelt                   3      -
guests.small_kernels                                  6     15
guests.rules_of_the_manual                            8     20
guests.exception_frame_in_a_device                    4     15
guests.resets_that_return_to_the_guest                 4      -
guests.rules_in_counted_time                          6      -
guests.memtest_as_a_kernel                           15      -
guests.mica_in_mica                                   6     15
guests.kernels_that_start_in_real_mode               10    30L
guests.xen_boots_to_its_own_console                  25      -
guests.memory_on_both_sides_of_the_hole              25      -
guests.memory_of_every_size                         90L      -
guests.too_little_memory_is_said                      5      -
uefi.uefi_with_a_framebuffer                         20      -
uefi.stick_by_uefi                                   20      -
uefi.stick_by_bios                                    5      -
kernels.another_debian_kernel                        15    60L
icount.runs_repeat_to_the_tick                       13      -
video.a20                                             5     15
video.a20_as_on_bare_qemu                             2      -
video.shutdown_status                                 5     15
video.redraws                                         8     20
vector.two_guests_side_by_side                       10     15
vector.a_million_exits                              60L   300L
native.vectors_beside_vms                             8     15
native.a_million_rounds                             60L   300L
native.memory_is_zero                                8     12
faults.no_page_is_writable_and_executable            10      -
faults.kernel_cannot_execute_user_memory              6      -
faults.kernel_cannot_read_user_memory                 6      -
faults.nmis_are_told_and_the_system_goes_on           6      -
faults.machine_check_in_the_kernel                    6      -
faults.machine_check_after_an_exit_shows_the_last_exits 6    -
video.pictures_are_those_of_qemu                   130L      -
video.grub_in_graphics                               40      -
video.linux_on_the_screen                            10    40L
video.linux_with_a_framebuffer                       45      -
guests.installer_i386                                30      -
guests.installer_amd64                              32L      -
guests.graphical_installer                          85L      -
outside.power_button_without_acpi                     3      -
outside.power_button_with_acpi                        7      -
outside.sleep                                        12     45
outside.mouse                                         3     15
outside.floppies                                     10      -
outside.cds                                          15      -
inspect.small_guests                                  4     15
inspect.dead_end                                      4      -
inspect.idle_linux                                   10      -
shell.commands_answer                                 6     20
shell.line_editing                                    5      -
shell.reboot                                          8     17
shell.exec_and_plain_pipes                           10      -
shell.timeout                                         6      -
shell.cpus                                           15      -
shell.cpus_of_vms                                    10    20L
shell.refusal_without_virtualisation                  5      -
shell.refusal_when_switched_off                       5     12
shell.refusal_without_unrestricted_guest              -     12
shell.refusal_without_ept                             -     12
terminal.keys_and_leaving                             6      -
terminal.power_off                                    5      -
terminal.signals                                     10      -
terminal.killed                                       5      -
terminal.killed_test                                  5      -
terminal.emulator_dies                                5      -
terminal.make_run                                    10      -
models.corei7_haswell_4770_1_cpu                      -    40L
models.corei7_haswell_4770_2_cpu                      -    60L
models.corei7_haswell_4770_4_cpu                      -   100L
models.corei7_skylake_x_1_cpu                         -    30L
models.corei7_skylake_x_2_cpu                         -    60L
models.corei7_skylake_x_4_cpu                         -   100L
models.corei7_icelake_u_1_cpu                         -    40L
models.corei7_icelake_u_2_cpu                         -    60L
models.corei7_icelake_u_4_cpu                         -   100L
models.tigerlake_1_cpu                                -    40L
models.tigerlake_2_cpu                                -     40
models.tigerlake_4_cpu                                -   100L
models.corei3_cnl_1_cpu                               -    40L
models.corei3_cnl_2_cpu                               -    60L
models.corei3_cnl_4_cpu                               -   100L
"""


def parse_cell(text):
    match = re.fullmatch(r"(\d+)(L?)|-", text)
    if not match:
        raise ValueError(f"scenarios.py: {text!r} should be -, SECONDS or SECONDSL")
    return Cell(int(match[1] or 0), match[2] == "L")


def table():
    """{(file, test): cells}"""
    header, *rows = [line.split() for line in TABLE.splitlines() if line.strip()]
    return {tuple(row[0].split(".")): dict(zip(header[1:], map(parse_cell, row[1:]))) for row in rows}


def tests_of(path):
    """The names of a file's tests, as the file itself says. One that cannot is run, too, and then says why."""
    listed = subprocess.run([sys.executable, str(path), "--list"], env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False, timeout=600)
    return ["all"] if listed.returncode else listed.stdout.split()


def scenarios():
    """Every test that there is; a row for a test that there is not is an error."""
    listed = table()
    found = [(path.stem[len("test_"):], test) for path in sorted(FOLDER.glob("test_*.py")) for test in tests_of(path)]
    lost = set(listed) - set(found)
    if lost:
        sys.exit("tests/system/scenarios.py: there is no test " + ", ".join(".".join(name) for name in sorted(lost)))
    return [Scenario(file, test, listed.get((file, test), UNLISTED)) for file, test in found]
