// SPDX-License-Identifier: MIT
// sources: bios-emul/rom.asm bios-emul/dispatch.c bios-emul/post.c bios-emul/drive.c bios-emul/int10_font.c
// sources: bios-emul/int10_graphics.c bios-emul/int10_palette.c bios-emul/int10_state.c bios-emul/int10_text.c
// sources: bios-emul/int10_video.c bios-emul/int13_disk.c bios-emul/int13_edd.c bios-emul/int13_eltorito.c
// sources: bios-emul/int14_serial.c bios-emul/int15_apm.c bios-emul/int15_mouse.c bios-emul/int15_system.c
// sources: bios-emul/int16_keyboard.c bios-emul/int17_printer.c bios-emul/int19_boot.c bios-emul/int1a_pci.c
// sources: bios-emul/edid.c bios-emul/int1a_time.c bios-emul/keyboard_irq.c bios-emul/smbios.c bios-emul/tables.c
// sources: bios-emul/vbe.c
// sources: bios-emul/video_modes.c
//
// INT 13h for hard disks and CDs, INT 15h and 16h at their edges: what the conformance guest's floppy does not reach.
#include "tests/unit/cmocka_all.h"
#include "bios-emul/rom.h"
#include "tests/unit/bios_machine.h"

static struct bios_machine m;
static struct bios_regs r;

static int setup(void **state)
{
    (void)state;
    machine_create(&m);
    r = (struct bios_regs){.sp.x = FAKE_STACK};
    bios_call(&m.bios, &r, TRAP_POST);
    for (unsigned i = 0; i < FAKE_DISK; i++)
        memcpy(m.disk + i * 512, &i, 4);
    return 0;
}

// One interrupt; returns whether CF is set.
static bool call(uint8_t vector, uint16_t ax, uint16_t bx, uint16_t cx, uint16_t dx)
{
    r = (struct bios_regs){.a.x = ax,
                           .b.x = bx,
                           .c.x = cx,
                           .d.x = dx,
                           .sp.x = FAKE_STACK,
                           .es = 0x2000,
                           .es_base = 0x20000,
                           .ds = 0x3000,
                           .ds_base = 0x30000};
    memset(m.memory + FAKE_STACK, 0, 6);
    bios_call(&m.bios, &r, vector);
    return m.memory[FAKE_STACK + 4] & BIOS_FLAG_CF;
}

static uint32_t at(uint32_t linear, unsigned size)
{
    uint32_t value = 0;
    memcpy(&value, m.memory + linear, size);
    return value;
}

static void test_hard_disk_chs(void **state)
{
    (void)state;
    assert_false(call(0x13, 0x0800, 0, 0, 0x80));
    assert_int_equal(r.c.x, 18 << 8 | 63); // cylinders 0-18 of 20: the last is for diagnostics
    assert_int_equal(r.d.x, 15 << 8 | 1);
    assert_false(call(0x13, 0x0202, 0, 2 << 8 | 5, 3 << 8 | 0x80));
    assert_int_equal(r.a.x, 0x0002);
    assert_int_equal(at(0x20000, 4), (2 * 16 + 3) * 63 + 4);
    assert_int_equal(at(0x20200, 4), (2 * 16 + 3) * 63 + 5);
    assert_false(call(0x13, 0x1500, 0, 0, 0x80));
    assert_int_equal(r.a.h, 3);
    assert_int_equal((uint32_t)r.c.x << 16 | r.d.x, FAKE_DISK - 16 * 63);
}

static void test_hard_disk_errors(void **state)
{
    static const uint16_t bad[][4] = {
        {0x0201, 20 << 8 | 1, 0x80, 0x01}, {0x0201, 0x0000, 0x80, 0x01},
        {0x0200, 1, 0x80, 0x01},           {0x02ff, 1, 0x80, 0x01},
        {0x0201, 1, 16 << 8 | 0x80, 0x01}, {0x0201, 1, 0x81, 0x01},
        {0x7900, 1, 0x80, 0x01},           {0x0202, 19 << 8 | 63, 15 << 8 | 0x80, 0x04},
        {0x0401, 20 << 8 | 1, 0x80, 0x01},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(call(0x13, bad[i][0], 0, bad[i][1], bad[i][2]));
        assert_int_equal(r.a.h, bad[i][3]);
    }
    assert_true(call(0x13, 0x0100, 0, 0, 0x80)); // the last one's status
    m.bios.hard_disk[0].read_only = true;
    assert_true(call(0x13, 0x0301, 0, 1, 0x80));
    assert_int_equal(r.a.h, 0x03);
}

static void test_geometry_of_the_partition_table(void **state)
{
    (void)state;
    static const uint8_t entry[16] = {0x80, 1, 1, 0, 6, 7, 32, 9, 32, 0, 0, 0, 0, 16, 0, 0}; // heads 0-7, sectors 1-32
    memcpy(m.disk + 0x1be, entry, 16);
    memcpy(m.disk + 510, "\x55\xaa", 2);
    call(0x13, 0x0800, 0, 0, 0x80);
    assert_int_equal(r.d.h, 7);
    assert_int_equal(r.c.l & 63, 32);
    assert_int_equal(r.c.h, FAKE_DISK / (8 * 32) - 2);
}

static void packet(uint16_t count, uint32_t buffer, uint64_t lba)
{
    const uint8_t head[4] = {16, 0, (uint8_t)count, (uint8_t)(count >> 8)};
    memcpy(m.memory + 0x30000, head, 4);
    memcpy(m.memory + 0x30004, &buffer, 4);
    memcpy(m.memory + 0x30008, &lba, 8);
}

static void test_extensions(void **state)
{
    (void)state;
    assert_false(call(0x13, 0x4100, 0x55aa, 0, 0x80));
    assert_int_equal(r.b.x, 0xaa55);
    assert_int_equal(r.c.x, 7);
    packet(3, 0x20000000, 1000);
    assert_false(call(0x13, 0x4200, 0, 0, 0x80));
    assert_int_equal(at(0x20000 + 1024, 4), 1002);
    packet(1, 0x20000000, FAKE_DISK); // past the end
    assert_true(call(0x13, 0x4200, 0, 0, 0x80));
    assert_int_equal(at(0x30002, 2), 0);
    packet(2, 0x20000000, UINT64_MAX);
    assert_true(call(0x13, 0x4200, 0, 0, 0x80));
    packet(100, 0xffff0000 + 0xffff, 0); // the end of memory
    m.memory[0x30000] = 24;
    const uint64_t flat = FAKE_MEMORY - 512;
    memcpy(m.memory + 0x30010, &flat, 8);
    assert_true(call(0x13, 0x4200, 0, 0, 0x80));
    m.memory[0x30000] = 15;
    assert_true(call(0x13, 0x4200, 0, 0, 0x80));
    memcpy(m.memory + 0x30000, "\x42\0", 2);
    assert_false(call(0x13, 0x4800, 0, 0, 0x80));
    assert_int_equal(at(0x30010, 4), FAKE_DISK);
    assert_int_equal(at(0x30018, 2), 512);
    assert_int_equal(at(0x3001e, 2), 0xbedd);
    m.memory[0x30000] = 0x19;
    assert_true(call(0x13, 0x4800, 0, 0, 0x80));
}

static void test_other_extensions(void **state)
{
    (void)state;
    packet(2, 0x20000000, 1000);
    memset(m.memory + 0x20000, 0x5a, 1024);
    assert_false(call(0x13, 0x4302, 0, 0, 0x80)); // written and verified
    assert_int_equal(m.disk[1000 * 512 + 1023], 0x5a);
    assert_true(call(0x13, 0x4300, 0, 0, 0xe0)); // not on a CD
    packet(2, 0, FAKE_DISK - 2);
    assert_false(call(0x13, 0x4400, 0, 0, 0x80));
    assert_false(call(0x13, 0x4700, 0, 0, 0x80));
    packet(2, 0, FAKE_DISK - 1);
    assert_true(call(0x13, 0x4400, 0, 0, 0x80));
    assert_true(call(0x13, 0x4600, 0, 0, 0x80));
    assert_int_equal(r.a.h, 0xb2); // not removable
    assert_true(call(0x13, 0x4600, 0, 0, 0xe0));
    assert_int_equal(r.a.h, 0xb1); // locked
    assert_false(call(0x13, 0x4500, 0, 0, 0xe0));
    assert_true(call(0x13, 0x4503, 0, 0, 0xe0));
    assert_false(call(0x13, 0x4900, 0, 0, 0xe0));
    assert_false(call(0x13, 0x4e01, 0, 0, 0x80)); // PIO as it is
    assert_true(call(0x13, 0x4e07, 0, 0, 0x80));
    assert_true(call(0x13, 0x4100, 0x1234, 0, 0x80));
}

// The device parameter table extension says how a drive is wired; INT 41h what its geometry is.
static void test_drive_tables(void **state)
{
    (void)state;
    static const struct {
        uint8_t drive, irq;
        uint16_t base, control;
    } drives[] = {{0x80, 14, 0x1f0, 0x3f6}, {0xe0, 15, 0x170, 0x376}};
    for (unsigned i = 0; i < 2; i++) {
        memcpy(m.memory + 0x30000, "\x42\0", 2);
        assert_false(call(0x13, 0x4800, 0, 0, drives[i].drive));
        uint32_t far = at(0x3001a, 4), table = (far >> 16 << 4) + (far & 0xffff);
        assert_int_equal(at(table, 2), drives[i].base);
        assert_int_equal(at(table + 2, 2), drives[i].control);
        assert_int_equal(at(table + 6, 1), drives[i].irq);
        uint8_t sum = 0;
        for (unsigned n = 0; n < 16; n++)
            sum = (uint8_t)(sum + m.memory[table + n]);
        assert_int_equal(sum, 0);
        assert_int_equal(at(0x30028, 2), 'A' | 'T' << 8); // interface type
        assert_int_equal(at(0x30030, 2), drives[i].base);
    }
    uint32_t far = at(0x41 * 4, 4), table = (far >> 16 << 4) + (far & 0xffff);
    assert_int_equal(at(table, 2), 20);
    assert_int_equal(at(table + 2, 1), 16);
    assert_int_equal(at(table + 14, 1), 63);
}

static void boot_record(uint8_t media, uint16_t sectors, uint8_t lba)
{
    memcpy(m.cd + 17 * 2048, "\0CD001\1EL TORITO SPECIFICATION", 30);
    m.cd[17 * 2048 + 0x47] = 18;
    uint8_t *catalogue = m.cd + 18 * 2048;
    memset(catalogue, 0, 2048);
    memcpy(catalogue, "\1\0\0\0", 4);
    memcpy(catalogue + 28, "\xaa\x55\x55\xaa", 4);
    catalogue[32] = 0x88;
    catalogue[33] = media;
    catalogue[38] = (uint8_t)sectors;
    catalogue[40] = lba;
    memcpy(m.cd + 20 * 2048, "boot sector", 12);
}

static bool boots(void)
{
    r = (struct bios_regs){.sp.x = FAKE_STACK};
    memcpy(m.bios.config.boot_order, "d\0\0", 4);
    bios_call(&m.bios, &r, TRAP_BOOT);
    return r.a.l == 0;
}

static void test_el_torito(void **state)
{
    (void)state;
    assert_false(boots());
    boot_record(0, 4, 20);
    assert_true(boots());
    assert_int_equal(r.d.l, 0xe0);
    assert_string_equal((char *)m.memory + 0x7c00, "boot sector");
    assert_false(call(0x13, 0x4b01, 0, 0, 0xe0));
    assert_int_equal(at(0x30000, 1), 0x13);
    assert_int_equal(at(0x30004, 4), 20);
    packet(1, 0x20000000, 20);
    assert_false(call(0x13, 0x4200, 0, 0, 0xe0));
    assert_string_equal((char *)m.memory + 0x20000, "boot sector");
}

static void test_el_torito_floppy(void **state)
{
    (void)state;
    boot_record(2, 1, 20);
    assert_true(boots());
    assert_int_equal(r.d.l, 0);
    assert_false(call(0x13, 0x0201, 0, 1, 0));
    assert_string_equal((char *)m.memory + 0x20000, "boot sector");
    assert_false(call(0x13, 0x0201, 0, 1, 1)); // the real one is B now
    assert_true(call(0x13, 0x0301, 0, 1, 0));
    assert_int_equal(r.a.h, 0x03);
    assert_true(call(0x13, 0x0201, 0, 79 << 8 | 1, 0)); // behind the end of the CD
    assert_false(call(0x13, 0x4b00, 0, 0, 0));
    assert_true(call(0x13, 0x0201, 0, 1, 1));
}

static void test_el_torito_bad(void **state)
{
    (void)state;
    boot_record(9, 1, 20); // no such medium
    assert_false(boots());
    boot_record(0, 1, 200); // outside
    assert_false(boots());
    boot_record(4, 1, 20); // a hard disk without partition
    assert_false(boots());
    boot_record(0, 1, 20);
    m.cd[18 * 2048 + 28] ^= 1; // checksum
    assert_false(boots());
    boot_record(0, 1, 20);
    m.cd[17 * 2048 + 0x47] = 250; // catalogue outside
    assert_false(boots());
    boot_record(0, 1, 20); // headers that announce ever more
    uint8_t *catalogue = m.cd + 18 * 2048;
    catalogue[32] = 0;
    for (unsigned i = 2; i < 64; i++) {
        catalogue[32 * i] = 0x90;
        catalogue[32 * i + 2] = 0;
    }
    for (unsigned sector = 19; sector < FAKE_CD; sector++)
        memcpy(m.cd + sector * 2048, catalogue + 64, 1024);
    assert_false(boots());
}

static void test_boot_order(void **state)
{
    (void)state;
    r = (struct bios_regs){.sp.x = FAKE_STACK};
    bios_call(&m.bios, &r, TRAP_BOOT); // a blank floppy and a disk without signature
    assert_int_equal(r.a.l, 1);
    memcpy(m.disk + 510, "\x55\xaa", 2);
    bios_call(&m.bios, &r, TRAP_BOOT);
    assert_int_equal(r.a.l, 0);
    assert_int_equal(r.d.l, 0x80);
    assert_int_equal(r.b.x, 0x7c00);
    bios_call(&m.bios, &r, TRAP_BOOT_NEXT);
    assert_int_equal(r.a.l, 1);
}

static void test_memory_map(void **state)
{
    static const uint64_t bases[] = {0, 0x9fc00, 0x100000};
    (void)state;
    uint32_t next = 0;
    for (unsigned i = 0; i < 3; i++) {
        r = (struct bios_regs){
            .a.x = 0xe820, .b.e = next, .c.e = 20, .d.e = 0x534d4150, .sp.x = FAKE_STACK, .es_base = 0x20000};
        bios_call(&m.bios, &r, 0x15);
        assert_int_equal(r.a.e, 0x534d4150);
        assert_int_equal(at(0x20000, 4), bases[i]);
        next = r.b.e;
    }
    assert_int_equal(next, 0);
    r = (struct bios_regs){.a.x = 0xe820, .b.e = 77, .c.e = 20, .d.e = 0x534d4150, .sp.x = FAKE_STACK};
    bios_call(&m.bios, &r, 0x15);
    assert_int_equal(r.a.h, 0x86);
}

static void test_stubs(void **state)
{
    (void)state;
    assert_int_equal(bios_service_at(ROM_INTERRUPTS + 4 * 0x13), 0x13);
    assert_int_equal(bios_service_at(ROM_INTERRUPTS + 4 * 0x13 + 1), -1);
    assert_int_equal(bios_service_at(ROM_TRAPS), TRAP_KEY);
    assert_int_equal(bios_service_at(ROM_POST), TRAP_POST);
    assert_int_equal(bios_service_at(0), -1);
    assert_int_equal(bios_service_at(UINT32_MAX), -1);
    assert_int_equal(m.memory[0xf0000 + ROM_INTERRUPTS + 2], 0xc1);
    m.bios.config.vmmcall = true;
    bios_rom_install(&m.bios);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(m.memory[0xf0000 + ROM_INTERRUPTS + 4 * i + 2], 0xd9);
    assert_int_equal(m.memory[0xf0000 + ROM_POST + 2], 0xd9);
}

// Tables that others look for by signature, with right checksums.
static bool table_sums(uint32_t linear, unsigned size)
{
    uint8_t sum = 0;
    for (unsigned i = 0; i < size; i++)
        sum = (uint8_t)(sum + m.memory[linear + i]);
    return sum == 0;
}

static void test_tables(void **state)
{
    (void)state;
    assert_memory_equal(m.memory + 0xf0000 + ROM_SMBIOS, "_SM_", 4);
    assert_true(table_sums(0xf0000 + ROM_SMBIOS, 0x1f));
    assert_memory_equal(m.memory + 0xf0000 + ROM_MP_FLOAT, "_MP_", 4);
    assert_true(table_sums(0xf0000 + ROM_MP_FLOAT, 16));
    assert_true(table_sums(0xf0000 + ROM_MP, at(0xf0000 + ROM_MP + 4, 2)));
    assert_memory_equal(m.memory + 0xf0000 + ROM_PIR, "$PIR", 4);
    assert_true(table_sums(0xf0000 + ROM_PIR, at(0xf0000 + ROM_PIR + 6, 2)));
    assert_memory_equal(m.memory + 0xf0000 + ROM_BIOS32_TABLE, "_32_", 4);
    assert_true(table_sums(0xf0000 + ROM_BIOS32_TABLE, 16));
    assert_memory_equal(m.memory + 0xf0000 + ROM_PNP_TABLE, "$PnP\x10\x21", 6);
    assert_true(table_sums(0xf0000 + ROM_PNP_TABLE, 0x21));
    assert_int_equal(at(0xf0000 + at(0xf0000 + ROM_PNP_TABLE + 0x0d, 2), 4), 0xcb0082b8); // MOV AX, 82h; RETF
}

// MP specification 1.4, chapter 4: every entry names a bus and an APIC that there are.
static void test_mp_table(void **state)
{
    (void)state;
    static const uint8_t lengths[] = {20, 8, 8, 8, 8};
    uint32_t table = at(0xf0000 + ROM_MP_FLOAT + 4, 4), end = table + at(table + 4, 2), place = table + 44;
    unsigned count = at(table + 34, 2), cpus = 0, buses = 0, apics = 0, isa = 0, seen = 0;
    uint8_t io_apic = 0xff;
    assert_int_equal(table, 0xf0000 + ROM_MP);
    for (; place < end; place += lengths[m.memory[place]], seen++) {
        uint8_t type = m.memory[place];
        assert_in_range(type, 0, 4);
        cpus += type == 0;
        apics += type == 2;
        if (type == 1)
            assert_int_equal(at(place + 1, 1), buses++);
        if (type == 1 && !memcmp(m.memory + place + 2, "ISA   ", 6))
            isa = at(place + 1, 1);
        if (type == 2)
            io_apic = m.memory[place + 1];
        if (type < 3)
            continue;
        assert_in_range(m.memory[place + 1], 0, 3);
        assert_true(m.memory[place + 4] < buses);
        assert_true(type == 4 || m.memory[place + 6] == io_apic);
        assert_true(m.memory[place + 7] < 24);
        if (type == 3 && m.memory[place + 4] == isa)
            assert_true(m.memory[place + 5] < 16);
    }
    assert_int_equal(place, end);
    assert_int_equal(seen, count);
    assert_int_equal(cpus, 2);
    assert_int_equal(apics, 1);
    assert_int_equal(buses, 2);
}

// DMTF DSP0134, 6.1: structures one behind the other, each with its strings; as many as the entry point says.
static void test_smbios(void **state)
{
    (void)state;
    uint32_t entry = 0xf0000 + ROM_SMBIOS, table = at(entry + 0x18, 4), end = table + at(entry + 0x16, 2),
             place = table;
    unsigned seen = 0, largest = 0, types = 0;
    uint8_t type = 0;
    for (; place < end; seen++) {
        uint32_t start = place;
        unsigned strings = 0;
        type = m.memory[place];
        types |= type < 32 ? 1u << type : 0;
        place += m.memory[place + 1];
        for (; m.memory[place] || m.memory[place + 1]; place++)
            strings += !m.memory[place + 1];
        place += 2;
        assert_true(place <= end);
        largest = place - start > largest ? place - start : largest;
        if (type == 0)
            assert_int_equal(strings, 3);
    }
    assert_int_equal(place, end);
    assert_int_equal(type, 127);
    assert_int_equal(seen, at(entry + 0x1c, 2));
    assert_int_equal(largest, at(entry + 8, 2));
    assert_int_equal(types & 0xb001b, 0xb001b); // BIOS, system, chassis, processor, memory
}

static void test_equipment(void **state)
{
    (void)state;
    assert_int_equal(m.cmos[0x14], 0x07); // a floppy, an FPU and a mouse; the display has a ROM of its own
    call(0x11, 0, 0, 0, 0);
    assert_int_equal(r.a.l, 0x27); // which has set 80x25 in colour
}

static void test_no_floppy_drive(void **state)
{
    (void)state;
    assert_true(call(0x13, 0x0812, 0x1234, 0x5678, 1));
    assert_int_equal(r.a.x, 0x0100);
    assert_int_equal(r.b.x, 0);
    assert_int_equal(r.c.x, 0);
    assert_int_equal(r.d.x, 1); // how many there are
    assert_int_equal(m.memory[0x441], 0x01);
}

// The format follows from the image's length; AH=08h says it, and its parameter table.
static void test_floppies(void **state)
{
    (void)state;
    static const struct {
        uint16_t kib, cylinders, sectors;
        uint8_t heads, type;
    } formats[] = {{160, 40, 8, 1, 1},   {180, 40, 9, 1, 1},   {320, 40, 8, 2, 1},   {360, 40, 9, 2, 1},
                   {720, 80, 9, 2, 3},   {1200, 80, 15, 2, 2}, {1440, 80, 18, 2, 4}, {1439, 80, 18, 2, 4},
                   {1680, 80, 21, 2, 4}, {2880, 80, 36, 2, 5}};
    for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        for (uint8_t drive = 0; drive < 2; drive++) {
            m.bios.floppy[1] = m.bios.floppy[0];
            m.bios.floppy[drive].sectors = formats[i].kib * 2;
            assert_false(call(0x13, 0x0800, 0, 0, drive));
            assert_int_equal(r.b.l, formats[i].type);
            assert_int_equal(r.c.h, formats[i].cylinders - 1);
            assert_int_equal(r.c.l, formats[i].sectors);
            assert_int_equal(r.d.x, (formats[i].heads - 1) << 8 | 2);
            uint32_t table = r.es_base + r.di.x;
            if (formats[i].type != 1 && formats[i].kib != 1680)
                assert_int_equal(m.memory[table + 4], formats[i].sectors);
            assert_int_equal(m.memory[table + 3], 2);
            assert_int_equal(m.memory[table + 8], 0xf6);
            assert_false(call(0x13, 0x1800, 0, (formats[i].cylinders - 1) << 8 | formats[i].sectors, drive));
            assert_int_equal(r.es_base + r.di.x, table);
            if (formats[i].kib == 1439) { // what a truncated image lacks
                assert_true(call(0x13, 0x0201, 0, 79 << 8 | 18, 1 << 8 | drive));
                assert_int_equal(r.a.h, 0x04);
            }
        }
}

// A new disk is told once; with none in it the drive is there, but not ready, and the change line stays active.
static void test_floppy_change(void **state)
{
    struct bios_disk *floppy = &m.bios.floppy[0];
    uint64_t sectors = floppy->sectors;
    (void)state;
    assert_false(call(0x13, 0x0201, 0, 1, 0));
    assert_false(call(0x13, 0x1600, 0, 0, 0));
    floppy->changed = true;
    assert_true(call(0x13, 0x0201, 0, 1, 0));
    assert_int_equal(r.a.x, 0x0600);
    assert_false(call(0x13, 0x0201, 0, 1, 0));
    floppy->sectors = 0;
    assert_true(call(0x13, 0x0201, 0, 1, 0));
    assert_int_equal(r.a.x, 0x8000);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(call(0x13, 0x1600, 0, 0, 0));
        assert_int_equal(r.a.h, 0x06);
    }
    assert_false(call(0x13, 0x1500, 0, 0, 0));
    assert_int_equal(r.a.h, 2);
    floppy->sectors = sectors;
    floppy->changed = true;
    assert_true(call(0x13, 0x1600, 0, 0, 0));
    assert_false(call(0x13, 0x0201, 0, 1, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_hard_disk_chs, setup),
        cmocka_unit_test_setup(test_hard_disk_errors, setup),
        cmocka_unit_test_setup(test_geometry_of_the_partition_table, setup),
        cmocka_unit_test_setup(test_extensions, setup),
        cmocka_unit_test_setup(test_other_extensions, setup),
        cmocka_unit_test_setup(test_drive_tables, setup),
        cmocka_unit_test_setup(test_el_torito, setup),
        cmocka_unit_test_setup(test_el_torito_floppy, setup),
        cmocka_unit_test_setup(test_el_torito_bad, setup),
        cmocka_unit_test_setup(test_boot_order, setup),
        cmocka_unit_test_setup(test_memory_map, setup),
        cmocka_unit_test_setup(test_stubs, setup),
        cmocka_unit_test_setup(test_tables, setup),
        cmocka_unit_test_setup(test_mp_table, setup),
        cmocka_unit_test_setup(test_smbios, setup),
        cmocka_unit_test_setup(test_floppies, setup),
        cmocka_unit_test_setup(test_floppy_change, setup),
        cmocka_unit_test_setup(test_equipment, setup),
        cmocka_unit_test_setup(test_no_floppy_drive, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
