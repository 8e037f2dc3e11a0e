// SPDX-License-Identifier: MIT
// PCI BIOS 2.1: INT 1Ah AH=B1h, and the same from 32-bit code by the BIOS32 service directory.
#include "bios-emul/internal.h"
#include "pc/pci_host.h"

#define PCI_SIGNATURE       0x20494350u // "PCI "
#define SERVICE_PCI         0x49435024u // "$PCI"
#define PCI_VERSION         0x0210
#define PCI_MECHANISM_1     0x01
#define ANSWER_UNSUPPORTED  0x81
#define ANSWER_BAD_VENDOR   0x83
#define ANSWER_NO_DEVICE    0x86
#define ANSWER_BAD_REGISTER 0x87
#define ANSWER_BUFFER_SMALL 0x89
#define BIOS32_UNKNOWN      0x80
#define VENDOR_ID           0x00
#define CLASS_REVISION      0x08
#define HEADER_TYPE         0x0e
#define MULTI_FUNCTION      0x80
#define PIR_SLOT_SIZE       16
#define PIR_HEADER          32

static uint32_t config_read(struct bios *b, uint32_t bus_devfn, unsigned offset, unsigned size)
{
    b->host.out(b->host.ctx, PCI_CONFIG_ADDRESS, 4,
                PCI_CONFIG_ENABLE | bus_devfn << 8 | (offset & PCI_CONFIG_REGISTER));
    return b->host.in(b->host.ctx, (uint16_t)(PCI_CONFIG_DATA + (offset & 3)), size) & (UINT32_MAX >> (32 - 8 * size));
}

static void config_write(struct bios *b, uint32_t bus_devfn, unsigned offset, unsigned size, uint32_t value)
{
    b->host.out(b->host.ctx, PCI_CONFIG_ADDRESS, 4,
                PCI_CONFIG_ENABLE | bus_devfn << 8 | (offset & PCI_CONFIG_REGISTER));
    b->host.out(b->host.ctx, (uint16_t)(PCI_CONFIG_DATA + (offset & 3)), size, value);
}

static enum bios_result answer(struct bios_regs *r, uint8_t code)
{
    r->a.h = code;
    carry(r, code != 0);
    return BIOS_DONE;
}

static enum bios_result present(struct bios *b, struct bios_regs *r)
{
    (void)b;
    r->a.x = PCI_MECHANISM_1;
    r->b.x = PCI_VERSION;
    r->c.l = 0; // last bus
    r->d.e = PCI_SIGNATURE;
    r->di.e = BIOS_ROM_BASE + ROM_PCI32;
    carry(r, false);
    return BIOS_DONE;
}

// The nth function on bus 0 for which `offset` reads `wanted` under `mask`.
static enum bios_result function_find(struct bios *b, struct bios_regs *r, unsigned offset, uint32_t mask,
                                      uint32_t wanted)
{
    unsigned n = r->si.x;
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        if (config_read(b, devfn, VENDOR_ID, 2) == 0xffff) {
            if (!(devfn & 7))
                devfn |= 7;
            continue;
        }
        if ((config_read(b, devfn, offset, 4) & mask) == wanted && n-- == 0) {
            r->b.x = (uint16_t)devfn;
            return answer(r, 0);
        }
        if (!(devfn & 7) && !(config_read(b, devfn, HEADER_TYPE, 1) & MULTI_FUNCTION))
            devfn |= 7;
    }
    return answer(r, ANSWER_NO_DEVICE);
}

static enum bios_result device_find(struct bios *b, struct bios_regs *r)
{
    if (r->d.x == 0xffff)
        return answer(r, ANSWER_BAD_VENDOR);
    return function_find(b, r, VENDOR_ID, UINT32_MAX, (uint32_t)r->c.x << 16 | r->d.x);
}

static enum bios_result class_find(struct bios *b, struct bios_regs *r)
{
    return function_find(b, r, CLASS_REVISION, 0xffffff00, r->c.e << 8);
}

// AL = 8-0Ah read, 0Bh-0Dh write: byte, word, dword of register DI.
static enum bios_result config_access(struct bios *b, struct bios_regs *r)
{
    unsigned size = 1u << ((r->a.l - 8) % 3);
    if (r->di.x > 0xff || r->di.x & (size - 1))
        return answer(r, ANSWER_BAD_REGISTER);
    if (r->a.l >= 0x0b) {
        config_write(b, r->b.x, r->di.x, size, r->c.e);
        return answer(r, 0);
    }
    uint32_t value = config_read(b, r->b.x, r->di.x, size);
    if (size == 1)
        r->c.l = (uint8_t)value;
    else if (size == 2)
        r->c.x = (uint16_t)value;
    else
        r->c.e = value;
    return answer(r, 0);
}

// ES:DI: length of the buffer, far pointer to it; gets the slots of the $PIR table. BX: interrupts that only PCI uses.
static enum bios_result routing_get(struct bios *b, struct bios_regs *r)
{
    uint32_t request = r->es_base + r->di.x, table = BIOS_ROM_BASE + ROM_PIR;
    uint16_t room = mem_get16(b, request), size = (uint16_t)(mem_get16(b, table + 6) - PIR_HEADER);
    uint32_t to = far_linear(mem_get(b, request + 2, 4));
    if (size > 32 * PIR_SLOT_SIZE)
        return answer(r, ANSWER_UNSUPPORTED);
    mem_put16(b, request, size);
    if (room < size)
        return answer(r, ANSWER_BUFFER_SMALL);
    mem_read(b, table + PIR_HEADER, b->sector, size);
    mem_write(b, to, b->sector, size);
    r->b.x = mem_get16(b, table + 10);
    return answer(r, 0);
}

enum bios_result int1a_pci(struct bios *b, struct bios_regs *r)
{
    static const bios_service functions[] = {
        [0x01] = present,       [0x02] = device_find,   [0x03] = class_find,    [0x08] = config_access,
        [0x09] = config_access, [0x0a] = config_access, [0x0b] = config_access, [0x0c] = config_access,
        [0x0d] = config_access, [0x0e] = routing_get,
    };
    uint8_t function = r->a.l & 0x7f; // 81h-8fh: the same for 32-bit callers
    if (function < sizeof(functions) / sizeof(functions[0]) && functions[function])
        return functions[function](b, r);
    unknown_count(b, r, 0x1a);
    return answer(r, ANSWER_UNSUPPORTED);
}

enum bios_result bios32_directory(struct bios *b, struct bios_regs *r)
{
    (void)b;
    if (r->b.l != 0) {
        r->a.l = 0x81; // function unknown
    } else if (r->a.e != SERVICE_PCI) {
        r->a.l = BIOS32_UNKNOWN;
    } else {
        r->b.e = BIOS_ROM_BASE;
        r->c.e = BIOS_ROM_SIZE;
        r->d.e = ROM_PCI32;
        r->a.l = 0;
    }
    return BIOS_DONE;
}

enum bios_result bios32_pci(struct bios *b, struct bios_regs *r)
{
    if (r->a.h != 0xb1 || (r->a.l & 0x7f) == 0x0e) // the routing buffer's pointer is not one of real mode there
        return answer(r, ANSWER_UNSUPPORTED);
    return int1a_pci(b, r);
}
