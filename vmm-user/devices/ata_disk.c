// SPDX-License-Identifier: MIT
// Commands of an ATA disk. ATA/ATAPI-7, volume 1, clause 6.
#include "vmm-user/devices/ide_parts.h"

#define LBA28_MAX    0x0fffffffull
#define CHS_HEADS    16u
#define CHS_SPT      63u
#define CHS_MAX      16383 // cylinders that IDENTIFY can say
#define MODEL        "Mica virtual disk"
#define FIRMWARE     "1.0"
#define POWER_ACTIVE 0xff // of CHECK POWER MODE

// How a command addresses and moves its sectors.
enum command_flag { EXT = 1, MULTIPLE = 2, DMA = 4, OUT = 8 };

typedef void command_handler(struct ide_channel *ch, unsigned flags);

void disk_geometry(struct ide_drive *d)
{
    uint64_t cylinders = d->media->sectors / ((uint64_t)CHS_HEADS * CHS_SPT);
    d->heads = CHS_HEADS;
    d->spt = CHS_SPT;
    d->cylinders = cylinders > CHS_MAX ? CHS_MAX : cylinders ? (uint16_t)cylinders : 1;
}

// ---- addresses

static uint64_t address_lba(const struct ide_drive *d, unsigned flags)
{
    uint64_t lba = d->regs[ATA_LBA_LOW] | d->regs[ATA_LBA_MID] << 8 | d->regs[ATA_LBA_HIGH] << 16;
    if (flags & EXT)
        return lba | (uint64_t)d->hob[ATA_LBA_LOW] << 24 | (uint64_t)d->hob[ATA_LBA_MID] << 32 |
               (uint64_t)d->hob[ATA_LBA_HIGH] << 40;
    return lba | (uint64_t)(d->regs[ATA_DEVICE] & ATA_DEVICE_HEAD) << 24;
}

// The first sector that the registers name; false if there is none, e.g. sector 0 of a CHS address.
static bool address_get(const struct ide_drive *d, unsigned flags, uint64_t *lba)
{
    if (flags & EXT || d->regs[ATA_DEVICE] & ATA_DEVICE_LBA) {
        *lba = address_lba(d, flags);
        return true;
    }
    uint32_t cylinder = d->regs[ATA_LBA_MID] | d->regs[ATA_LBA_HIGH] << 8;
    uint32_t head = d->regs[ATA_DEVICE] & ATA_DEVICE_HEAD, sector = d->regs[ATA_LBA_LOW];
    *lba = ((uint64_t)cylinder * d->heads + head) * d->spt + sector - 1;
    return sector && sector <= d->spt && head < d->heads;
}

// The registers name sector `lba`, as after a command.
static void address_put(struct ide_drive *d, unsigned flags, uint64_t lba)
{
    if (!(flags & EXT) && !(d->regs[ATA_DEVICE] & ATA_DEVICE_LBA)) {
        uint64_t cylinder = lba / ((uint64_t)d->heads * d->spt);
        uint32_t head = (uint32_t)(lba / d->spt % d->heads);
        d->regs[ATA_LBA_LOW] = (uint8_t)(lba % d->spt + 1);
        d->regs[ATA_LBA_MID] = (uint8_t)cylinder;
        d->regs[ATA_LBA_HIGH] = (uint8_t)(cylinder >> 8);
        d->regs[ATA_DEVICE] = (uint8_t)((d->regs[ATA_DEVICE] & ~ATA_DEVICE_HEAD) | (head & ATA_DEVICE_HEAD));
        return;
    }
    for (unsigned i = 0; i < 3; i++)
        d->regs[ATA_LBA_LOW + i] = (uint8_t)(lba >> 8 * i);
    if (flags & EXT) {
        for (unsigned i = 0; i < 3; i++)
            d->hob[ATA_LBA_LOW + i] = (uint8_t)(lba >> (24 + 8 * i));
    } else {
        d->regs[ATA_DEVICE] = (uint8_t)((d->regs[ATA_DEVICE] & ~ATA_DEVICE_HEAD) | (lba >> 24 & ATA_DEVICE_HEAD));
    }
}

static uint32_t sector_count(const struct ide_drive *d, unsigned flags)
{
    if (!(flags & EXT))
        return d->regs[ATA_COUNT] ? d->regs[ATA_COUNT] : 256;
    uint32_t count = d->regs[ATA_COUNT] | d->hob[ATA_COUNT] << 8;
    return count ? count : 65536;
}

// First sector and count of the command; false: it has failed.
static bool range_get(struct ide_channel *ch, unsigned flags, uint64_t *lba, uint32_t *count)
{
    struct ide_drive *d = ide_selected(ch);
    *count = sector_count(d, flags);
    if (address_get(d, flags, lba) && block_has(d->media, *lba, *count))
        return true;
    ide_fail(ch, ATA_ERROR_IDNF);
    return false;
}

// ---- reading and writing

static uint8_t error_bits(enum block_error error)
{
    return error == BLOCK_RANGE ? ATA_ERROR_IDNF : error == BLOCK_IO ? ATA_ERROR_UNC : ATA_ERROR_ABRT;
}

bool disk_refill(struct ide_channel *ch)
{
    struct ide_drive *d = ide_selected(ch);
    uint32_t n = ide_min(ch->left, IDE_BUFFER);
    enum block_error error = block_read(d->media, ch->lba, n / ATA_SECTOR, ch->buffer);
    ch->at = 0;
    ch->filled = n;
    ch->left -= n;
    ch->lba += n / ATA_SECTOR;
    if (error)
        ide_fail(ch, error_bits(error));
    return !error;
}

bool disk_flush(struct ide_channel *ch)
{
    enum block_error error = block_write(ide_selected(ch)->media, ch->lba, ch->filled / ATA_SECTOR, ch->buffer);
    ch->lba += ch->filled / ATA_SECTOR;
    if (error)
        ide_fail(ch, error_bits(error));
    return !error;
}

static void transfer_sectors(struct ide_channel *ch, unsigned flags)
{
    struct ide_drive *d = ide_selected(ch);
    uint64_t lba;
    uint32_t count, block = flags & MULTIPLE ? d->multiple : 1;
    if (flags & MULTIPLE && !d->multiple) {
        ide_fail(ch, ATA_ERROR_ABRT);
        return;
    }
    if (flags & OUT && d->media->read_only) {
        ide_fail(ch, ATA_ERROR_ABRT);
        return;
    }
    if (!range_get(ch, flags, &lba, &count))
        return;
    static const uint8_t phases[4] = {IDE_PIO_IN, IDE_PIO_OUT, IDE_DMA_IN, IDE_DMA_OUT};
    ch->lba = lba;
    ide_transfer(ch, phases[(flags & DMA ? 2 : 0) + (flags & OUT ? 1 : 0)], 0, (uint64_t)count * ATA_SECTOR,
                 block * ATA_SECTOR);
}

static void verify(struct ide_channel *ch, unsigned flags)
{
    uint64_t lba;
    uint32_t count;
    if (!range_get(ch, flags, &lba, &count))
        return;
    ide_selected(ch)->regs[ATA_COUNT] = 0;
    address_put(ide_selected(ch), flags, lba + count - 1);
    ide_done(ch);
}

static void seek(struct ide_channel *ch, unsigned flags)
{
    uint64_t lba;
    if (address_get(ide_selected(ch), flags, &lba) && block_has(ide_selected(ch)->media, lba, 1))
        ide_done(ch);
    else
        ide_fail(ch, ATA_ERROR_IDNF);
}

static void read_max(struct ide_channel *ch, unsigned flags)
{
    struct ide_drive *d = ide_selected(ch);
    uint64_t last = d->media->sectors - 1;
    d->regs[ATA_DEVICE] |= ATA_DEVICE_LBA;
    address_put(d, flags, flags & EXT || last < LBA28_MAX ? last : LBA28_MAX - 1);
    ide_done(ch);
}

static void flush(struct ide_channel *ch, unsigned flags)
{
    (void)flags;
    if (block_flush(ide_selected(ch)->media))
        ide_fail(ch, ATA_ERROR_ABRT);
    else
        ide_done(ch);
}

// ---- the drive itself

static void ata_string(uint8_t *words, const char *text, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        words[i ^ 1] = *text ? (uint8_t)*text++ : ' ';
}

void ata_identity(const struct ide_drive *d, const char *model, const struct ata_word *words, unsigned count,
                  uint8_t out[ATA_SECTOR])
{
    __builtin_memset(out, 0, ATA_SECTOR);
    for (unsigned i = 0; i < count; i++) {
        size_t at = (size_t)2 * words[i].index;
        out[at] = (uint8_t)words[i].value;
        out[at + 1] = (uint8_t)(words[i].value >> 8);
    }
    ata_string(out + 20, d->serial, 20); // words 10, 23, 27
    ata_string(out + 46, FIRMWARE, 8);
    ata_string(out + 54, model, 40);
}

// IDENTIFY words 63 and 88: modes there are, and the one that is set.
uint16_t ata_mode_words(const struct ide_drive *d, bool ultra)
{
    uint8_t mode = ultra ? d->udma_mode : d->mwdma_mode, there = ultra ? 0x3f : 0x07;
    return (uint16_t)(there | (mode < 8 ? 1u << (8 + mode) : 0));
}

static void identify(struct ide_channel *ch, unsigned flags)
{
    (void)flags;
    struct ide_drive *d = ide_selected(ch);
    uint64_t sectors = d->media->sectors, lba28 = sectors > LBA28_MAX ? LBA28_MAX : sectors;
    uint64_t chs_all = d->media->sectors / ((uint64_t)CHS_HEADS * CHS_SPT),
             current = (uint64_t)d->cylinders * d->heads * d->spt;
    const struct ata_word words[] = {
        {0, 0x0040},
        {1, chs_all > CHS_MAX ? CHS_MAX
            : chs_all         ? chs_all
                              : 1},
        {3, CHS_HEADS},
        {6, CHS_SPT},
        {20, 3},
        {21, 16},
        {22, 4},
        {47, 0x8000 | IDE_MULTIPLE},
        {48, 1},
        {49, 0x0f00},
        {50, 0x4000},
        {51, 0x0200},
        {52, 0x0200},
        {53, 0x0007},
        {54, d->cylinders},
        {55, d->heads},
        {56, d->spt},
        {57, current & 0xffff},
        {58, current >> 16},
        {59, d->multiple ? 0x100 | d->multiple : 0},
        {60, lba28 & 0xffff},
        {61, lba28 >> 16},
        {63, ata_mode_words(d, false)},
        {64, 0x0003},
        {65, 120},
        {66, 120},
        {67, 120},
        {68, 120},
        {80, 0x00f0},
        {82, 0x4028},
        {83, 0x7400},
        {84, 0x4000},
        {85, 0x4028},
        {86, 0x3400},
        {87, 0x4000},
        {88, ata_mode_words(d, true)},
        {93, 0x600b},
        {100, sectors & 0xffff},
        {101, sectors >> 16 & 0xffff},
        {102, sectors >> 32 & 0xffff},
        {103, sectors >> 48},
    };
    ata_identity(d, MODEL, words, sizeof(words) / sizeof(words[0]), ch->buffer);
    ide_transfer(ch, IDE_PIO_IN, ATA_SECTOR, ATA_SECTOR, ATA_SECTOR);
}

static void init_parameters(struct ide_channel *ch, unsigned flags)
{
    (void)flags;
    struct ide_drive *d = ide_selected(ch);
    uint32_t heads = (d->regs[ATA_DEVICE] & ATA_DEVICE_HEAD) + 1u, spt = d->regs[ATA_COUNT];
    if (!spt) {
        ide_fail(ch, ATA_ERROR_ABRT);
        return;
    }
    uint64_t cylinders = d->media->sectors / ((uint64_t)heads * spt);
    d->heads = (uint8_t)heads;
    d->spt = (uint8_t)spt;
    d->cylinders = cylinders > UINT16_MAX ? UINT16_MAX : cylinders ? (uint16_t)cylinders : 1;
    ide_done(ch);
}

static void set_multiple(struct ide_channel *ch, unsigned flags)
{
    (void)flags;
    uint8_t count = ide_selected(ch)->regs[ATA_COUNT];
    if (count > IDE_MULTIPLE || count & (count - 1)) {
        ide_fail(ch, ATA_ERROR_ABRT);
        return;
    }
    ide_selected(ch)->multiple = count;
    ide_done(ch);
}

// The transfer mode: type in the high five bits, number in the low three.
static bool mode_set(struct ide_drive *d, uint8_t value)
{
    uint8_t number = value & 7;
    switch (value >> 3) {
    case 0: // default PIO
        return true;
    case 1:
        d->pio_mode = number;
        return number <= 4;
    case 4:
        d->mwdma_mode = number;
        d->udma_mode = 0xff;
        return number <= 2;
    case 8:
        d->udma_mode = number;
        d->mwdma_mode = 0xff;
        return number <= 5;
    default:
        return false;
    }
}

static void set_features(struct ide_channel *ch, unsigned flags)
{
    (void)flags;
    struct ide_drive *d = ide_selected(ch), before = *d;
    bool ok = false;
    switch (d->regs[ATA_FEATURES]) {
    case ATA_FEATURE_TRANSFER_MODE:
        ok = mode_set(d, d->regs[ATA_COUNT]);
        break;
    case ATA_FEATURE_WRITE_CACHE_ON:
    case ATA_FEATURE_WRITE_CACHE_OFF:
    case ATA_FEATURE_READ_AHEAD_ON:
    case ATA_FEATURE_READ_AHEAD_OFF:
    case ATA_FEATURE_KEEP_ON_RESET:
    case ATA_FEATURE_DEFAULTS_ON_RESET:
        ok = true;
        break;
    default:
        break;
    }
    if (!ok) {
        *d = before;
        ide_fail(ch, ATA_ERROR_ABRT);
        return;
    }
    ide_done(ch);
}

static void nothing_to_do(struct ide_channel *ch, unsigned flags)
{
    (void)flags;
    ide_done(ch);
}

static void check_power(struct ide_channel *ch, unsigned flags)
{
    (void)flags;
    ide_selected(ch)->regs[ATA_COUNT] = POWER_ACTIVE;
    ide_done(ch);
}

// ---- the table

enum { FOR_DISK = 1, FOR_PACKET = 2 };

static const struct command {
    uint8_t code, drives;
    uint8_t flags;
    command_handler *handler;
} commands[] = {
    {ATA_CMD_READ, FOR_DISK, 0, transfer_sectors},
    {ATA_CMD_READ_NO_RETRY, FOR_DISK, 0, transfer_sectors},
    {ATA_CMD_READ_EXT, FOR_DISK, EXT, transfer_sectors},
    {ATA_CMD_READ_DMA, FOR_DISK, DMA, transfer_sectors},
    {ATA_CMD_READ_DMA_NO_RETRY, FOR_DISK, DMA, transfer_sectors},
    {ATA_CMD_READ_DMA_EXT, FOR_DISK, DMA | EXT, transfer_sectors},
    {ATA_CMD_READ_MULTIPLE, FOR_DISK, MULTIPLE, transfer_sectors},
    {ATA_CMD_READ_MULTIPLE_EXT, FOR_DISK, MULTIPLE | EXT, transfer_sectors},
    {ATA_CMD_WRITE, FOR_DISK, OUT, transfer_sectors},
    {ATA_CMD_WRITE_NO_RETRY, FOR_DISK, OUT, transfer_sectors},
    {ATA_CMD_WRITE_EXT, FOR_DISK, OUT | EXT, transfer_sectors},
    {ATA_CMD_WRITE_DMA, FOR_DISK, OUT | DMA, transfer_sectors},
    {ATA_CMD_WRITE_DMA_NO_RETRY, FOR_DISK, OUT | DMA, transfer_sectors},
    {ATA_CMD_WRITE_DMA_EXT, FOR_DISK, OUT | DMA | EXT, transfer_sectors},
    {ATA_CMD_WRITE_MULTIPLE, FOR_DISK, OUT | MULTIPLE, transfer_sectors},
    {ATA_CMD_WRITE_MULTIPLE_EXT, FOR_DISK, OUT | MULTIPLE | EXT, transfer_sectors},
    {ATA_CMD_VERIFY, FOR_DISK, 0, verify},
    {ATA_CMD_VERIFY_NO_RETRY, FOR_DISK, 0, verify},
    {ATA_CMD_VERIFY_EXT, FOR_DISK, EXT, verify},
    {ATA_CMD_SEEK, FOR_DISK, 0, seek},
    {ATA_CMD_RECALIBRATE, FOR_DISK, 0, nothing_to_do},
    {ATA_CMD_INIT_PARAMETERS, FOR_DISK, 0, init_parameters},
    {ATA_CMD_SET_MULTIPLE, FOR_DISK, 0, set_multiple},
    {ATA_CMD_READ_MAX, FOR_DISK, 0, read_max},
    {ATA_CMD_READ_MAX_EXT, FOR_DISK, EXT, read_max},
    {ATA_CMD_FLUSH, FOR_DISK, 0, flush},
    {ATA_CMD_FLUSH_EXT, FOR_DISK, EXT, flush},
    {ATA_CMD_IDENTIFY, FOR_DISK, 0, identify},
    {ATA_CMD_SET_FEATURES, FOR_DISK | FOR_PACKET, 0, set_features},
    {ATA_CMD_CHECK_POWER, FOR_DISK | FOR_PACKET, 0, check_power},
    {ATA_CMD_STANDBY_IMMEDIATE, FOR_DISK | FOR_PACKET, 0, nothing_to_do},
    {ATA_CMD_IDLE_IMMEDIATE, FOR_DISK | FOR_PACKET, 0, nothing_to_do},
    {ATA_CMD_STANDBY, FOR_DISK, 0, nothing_to_do},
    {ATA_CMD_IDLE, FOR_DISK, 0, nothing_to_do},
    {ATA_CMD_SLEEP, FOR_DISK | FOR_PACKET, 0, nothing_to_do},
};

static const struct command *command_find(uint8_t command)
{
    if ((command & 0xf0) == ATA_CMD_RECALIBRATE)
        command = ATA_CMD_RECALIBRATE;
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (commands[i].code == command)
            return &commands[i];
    return NULL;
}

// All sectors are moved: the registers name the last one, none are left. The last block in was interrupted for before
// the host took it.
void disk_finished(struct ide_channel *ch)
{
    struct ide_drive *d = ide_selected(ch);
    const struct command *c = command_find(ch->command);
    bool in = ch->phase == IDE_PIO_IN;
    if (c && c->handler == transfer_sectors) {
        d->regs[ATA_COUNT] = d->hob[ATA_COUNT] = 0;
        address_put(d, c->flags, ch->lba - 1);
    }
    ide_idle(ch);
    if (!in)
        ide_irq(ch, true);
}

void ata_command(struct ide_channel *ch, uint8_t command)
{
    const struct command *c = command_find(command);
    if (c && c->drives & (ide_selected(ch)->packet ? FOR_PACKET : FOR_DISK))
        c->handler(ch, c->flags);
    else
        ide_fail(ch, ATA_ERROR_ABRT);
}
