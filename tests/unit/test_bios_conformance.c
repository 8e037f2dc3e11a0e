// SPDX-License-Identifier: MIT
// sources: tests/unit/native_pc.c bios-emul/rom.asm bios-emul/dispatch.c bios-emul/post.c bios-emul/drive.c
// sources: bios-emul/int10_font.c bios-emul/int10_graphics.c bios-emul/int10_palette.c bios-emul/int10_state.c
// sources: bios-emul/int10_text.c bios-emul/int10_video.c bios-emul/int13_disk.c bios-emul/int13_edd.c
// sources: bios-emul/int13_eltorito.c bios-emul/int14_serial.c bios-emul/int15_apm.c bios-emul/int15_mouse.c
// sources: bios-emul/int15_system.c bios-emul/int16_keyboard.c bios-emul/int17_printer.c bios-emul/int19_boot.c
// sources: bios-emul/int1a_pci.c bios-emul/int1a_time.c bios-emul/keyboard_irq.c bios-emul/smbios.c
// sources: bios-emul/edid.c bios-emul/tables.c bios-emul/vbe.c bios-emul/video_modes.c vmm-user/bus.c
// sources: vmm-user/devices/acpi_pm.c vmm-user/devices/debug_ports.c vmm-user/devices/i8042.c
// sources: vmm-user/devices/pci_host.c vmm-user/devices/pic8259.c vmm-user/devices/pit8254.c
// sources: vmm-user/devices/port92.c vmm-user/devices/ps2_keyboard.c vmm-user/devices/ps2_mouse.c
// sources: vmm-user/devices/reset_port.c vmm-user/devices/rtc_cmos.c vmm-user/devices/uart16550.c
// sources: vmm-user/devices/vga.c vmm-user/devices/vga_dispi.c vmm-user/devices/vga_memory.c
// libs: unicorn
//
// guests/tiny/biostest.asm on this firmware: its lines are printed for tests/system/bios_reference.py, which has those
// of other BIOSes beside them.
#include "tests/unit/cmocka_all.h"
#include <stdlib.h>
#include "tests/unit/native_pc.h"

static char image[4096]; // a file beside this program
static struct pc pc;

static void assemble(const char *program)
{
    char command[2 * sizeof image];
    assert_in_range(snprintf(image, sizeof image, "%s.img", program), 1, sizeof image - 1);
    snprintf(command, sizeof command, "nasm -f bin -Iguests/tiny/ -o '%s' guests/tiny/biostest.asm", image);
    assert_int_equal(system(command), 0);
}

static bool ended(struct pc *p)
{
    (void)p;
    return false; // the guest ends the machine itself
}

static void test_documented_values(void **state)
{
    unsigned calls = 0, checks = 0, differ = 0;
    assemble(*state);
    assert_true(pc_create(&pc, image, NULL, NULL, "a"));
    pc_run(&pc, 120000, ended);
    fputs(pc.serial, stdout);
    fflush(stdout);
    assert_true(pc.fake.power_off > 0);
    char *verdict = NULL;
    for (char *at = pc.serial; (at = strstr(at, "biostest: ")); at++)
        verdict = at;
    assert_non_null(verdict);
    assert_int_equal(sscanf(verdict, "biostest: %u calls, %u checks, %u differ", &calls, &checks, &differ), 3);
    assert_true(calls > 600);
    assert_int_equal(differ, 0);
    pc_destroy(&pc);
}

int main(int argc, char **argv)
{
    (void)argc;
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(test_documented_values, argv[0])};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
