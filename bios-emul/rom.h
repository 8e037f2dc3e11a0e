// SPDX-License-Identifier: MIT
// Where things lie in the ROM; rom.asm has the same.
#pragma once
#include "bios-emul/bios.h"

extern const uint8_t bios_rom[BIOS_ROM_SIZE];

#define ROM_INTERRUPTS    0x0100
#define ROM_TRAPS         0x0500
#define ROM_BIOS32        0x0580
#define ROM_PCI32         0x0584
#define ROM_APM           0x0588
#define ROM_VBE_WINDOW    0x058c
#define ROM_WAITS         0x0600
#define ROM_WAIT_SIZE     8
#define ROM_IDLE          0x0e00
#define ROM_PNP           0x0e10
#define ROM_VBE_PROTECTED 0x1002 // INT 10h AX=4F0Ah; its size lies in front of it
#define ROM_FONT16        0x2000
#define ROM_FONT14        0x3000
#define ROM_NO_GLYPHS     0x3e00
#define ROM_FONT8         0x4000
#define ROM_FONT8_HIGH    0x4400
#define ROM_TABLES        0x5000 // written by POST, here and below
#define ROM_VIDEO_PARAMS  0x5000 // 29 * 64 bytes
#define ROM_SAVE_POINTERS 0x5800
#define ROM_SAVE_SECOND   0x5820
#define ROM_STATIC_STATE  0x5840 // INT 10h AH=1Bh
#define ROM_DISPLAY_CODES 0x5850 // INT 10h AH=1Ah
#define ROM_VBE_MODES     0x5880
#define ROM_VBE_STRINGS   0x5980
#define ROM_DISK_TABLES   0x5a00 // 16 bytes for each of two hard disks
#define ROM_EDD           0x5a40 // device parameter table extension, 16 bytes per drive
#define ROM_FLOPPY_TABLES 0x5ab0 // diskette parameters, 16 bytes for each of five types
#define ROM_BIOS32_TABLE  0x5b00
#define ROM_PNP_TABLE     0x5b10
#define ROM_PIR           0x5c00
#define ROM_MP_FLOAT      0x6000
#define ROM_MP            0x6010
#define ROM_SMBIOS        0x7000
#define ROM_TABLES_END    0xc000
#define ROM_ACPI          0xc000 // who builds the machine puts them there: not touched
#define ROM_ACPI_END      0xe000
#define ROM_POST          0xe05b
#define ROM_BOOT          0xe6f2
#define ROM_CONFIG_TABLE  0xe6f5
#define ROM_DISKETTE      0xefc7
#define ROM_FONT8_OLD     0xfa6e // the lower half of the 8x8 font
#define ROM_VECTORS_LOW   0xfef3 // words: offsets for vectors 08h-1fh
#define ROM_VECTORS_HIGH  0xff30 // and 70h-77h
#define ROM_IRET          0xff53
#define ROM_PRINT_SCREEN  0xff54

// Services beyond the 256 interrupts.
enum {
    TRAP_BASE = 256,
    TRAP_KEY = TRAP_BASE,
    TRAP_RTC,
    TRAP_MOUSE,
    TRAP_BOOT,
    TRAP_BOOT_NEXT,
    TRAP_ROM_SCAN,
    TRAP_LAST,
    TRAP_BIOS32 = TRAP_BASE + 32,
    TRAP_PCI32,
    TRAP_APM,
    TRAP_VBE_WINDOW,
    TRAP_POST,
    SERVICE_COUNT,
};
