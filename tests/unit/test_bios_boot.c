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
// The firmware boots what people boot, on a processor emulated here.
#include "tests/unit/cmocka_all.h"
#include <stdlib.h>
#include "tests/unit/native_pc.h"

static struct pc pc;
static char screen[PC_TEXT];

static const char *screen_text(void)
{
    pc_screen(&pc, screen, sizeof(screen));
    return screen;
}

static const char *wanted;
static bool wanted_is_there(struct pc *p)
{
    return pc_screen_has(p, wanted);
}

// Runs until the text is on the screen; shows the screen if it never is.
static void assert_appears(const char *text, unsigned milliseconds)
{
    wanted = text;
    if (pc_run(&pc, milliseconds, wanted_is_there))
        return;
    fail_msg("no '%s' on the screen (%s, unknown: %s):\n%s", text, pc.failed ? pc.failed : "time is over",
             pc.unknown_text, screen_text());
}

static void test_nothing_to_boot(void **state)
{
    (void)state;
    assert_true(pc_create(&pc, NULL, NULL, NULL, "acd"));
    assert_appears("No bootable device", 2000);
    assert_non_null(strstr(screen_text(), "Mica BIOS"));
    pc_destroy(&pc);
}

static void test_freedos_floppy(void **state)
{
    (void)state;
    const char *image = getenv("FREEDOS_IMG");
    if (!image)
        skip();
    assert_true(pc_create(&pc, image, NULL, NULL, "a"));
    assert_appears("A:\\>", 60000);
    pc_type(&pc, "dir\n");
    assert_appears("bytes free", 20000);
    pc_type(&pc, "echo Hello > A.TXT\ntype A.TXT\n");
    assert_appears("\nHello", 20000);
    pc_destroy(&pc);
}

// A byte that waits at port 60h holds the keyboard's interrupt line: its edge never comes to a kernel that was loaded.
static void test_keyboard_is_silent_without_boot(void **state)
{
    (void)state;
    assert_true(pc_create(&pc, NULL, NULL, NULL, "acd"));
    bios_power_on(&pc.bios);
    fake_run(&pc.fake, FAKE_MS * 100);
    assert_int_equal(in8(&pc.i8042, 0x64) & 1, 0);
    pc_destroy(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_boot),
        cmocka_unit_test(test_keyboard_is_silent_without_boot),
        cmocka_unit_test(test_freedos_floppy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
