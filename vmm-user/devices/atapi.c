// SPDX-License-Identifier: MIT
// Commands of an ATAPI CD drive with one data track. SFF-8020i, MMC-3.
#include "vmm-user/devices/atapi_parts.h"

#define MODEL      "Mica virtual CD"
#define FIRMWARE   "1.0"
#define REPLY_ROOM 512

// ---- the ends of a packet command

static void packet_end(struct ide_channel *ch, enum sense sense)
{
    struct ide_drive *d = ide_selected(ch);
    d->sense_key = (uint8_t)(sense >> 8);
    d->asc = (uint8_t)sense;
    d->ascq = 0;
    d->regs[ATA_REASON] = ATA_REASON_IN | ATA_REASON_COMMAND;
    if (sense)
        ide_fail(ch, (uint8_t)(d->sense_key << 4 | (d->sense_key == 5 ? ATA_ERROR_ABRT : 0)));
    else
        ide_done(ch);
}

// IDENTIFY PACKET DEVICE ends as it does on a disk: its one block was interrupted for before the host took it.
void atapi_finished(struct ide_channel *ch)
{
    if (ch->command == ATA_CMD_IDENTIFY_PACKET)
        ide_idle(ch);
    else
        packet_end(ch, SENSE_NONE);
}

// Begins to send `bytes`, of which the buffer holds the first `filled`.
static void packet_send(struct ide_channel *ch, uint32_t filled, uint64_t bytes)
{
    struct ide_drive *d = ide_selected(ch);
    uint32_t limit = d->regs[ATA_LBA_MID] | d->regs[ATA_LBA_HIGH] << 8;
    limit = limit == 0 || limit == 0xffff ? 0xfffe : limit > 1 ? limit & ~1u : 2;
    bool dma = d->regs[ATA_FEATURES] & 1;
    if (!bytes)
        packet_end(ch, SENSE_NONE);
    else
        ide_transfer(ch, dma ? IDE_DMA_IN : IDE_PIO_IN, filled, bytes, limit);
}

void atapi_reply(struct ide_channel *ch, uint32_t bytes, uint32_t allowed)
{
    bytes = ide_min(bytes, allowed);
    packet_send(ch, bytes, bytes);
}

bool atapi_refill(struct ide_channel *ch)
{
    uint32_t n = ide_min(ch->left, IDE_BUFFER);
    enum block_error error = block_read(ide_selected(ch)->media, ch->lba, n / CD_SECTOR, ch->buffer);
    ch->at = 0;
    ch->filled = n;
    ch->left -= n;
    ch->lba += n / CD_SECTOR;
    if (error)
        packet_end(ch, error == BLOCK_RANGE ? SENSE_BAD_LBA : SENSE_READ_ERROR);
    return !error;
}

// ---- commands. The packet is a copy; the reply is built in the buffer, which is zeroed.

static enum sense done(struct ide_channel *ch, const uint8_t *packet)
{
    (void)packet;
    packet_end(ch, SENSE_NONE);
    return SENSE_NONE;
}

static enum sense request_sense(struct ide_channel *ch, const uint8_t *packet)
{
    struct ide_drive *d = ide_selected(ch);
    uint8_t *out = ch->buffer;
    out[0] = 0x70;
    out[2] = d->sense_key;
    out[7] = 10;
    out[12] = d->asc;
    out[13] = d->ascq;
    if (d->attention && !d->sense_key) {
        out[2] = SENSE_CHANGED >> 8;
        out[12] = SENSE_CHANGED & 0xff;
    }
    d->attention = false;
    atapi_reply(ch, 18, packet[4]);
    return SENSE_NONE;
}

static void text_put(uint8_t *to, const char *text, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = *text ? (uint8_t)*text++ : ' ';
}

static enum sense inquiry(struct ide_channel *ch, const uint8_t *packet)
{
    uint8_t *out = ch->buffer;
    if (packet[1] & 1 || packet[2]) // vital product data
        return SENSE_BAD_FIELD;
    out[0] = 0x05;
    out[1] = 0x80; // removable
    out[3] = 0x21; // ATAPI
    out[4] = 31;
    text_put(out + 8, "MICA", 8);
    text_put(out + 16, MODEL, 16);
    text_put(out + 32, FIRMWARE, 4);
    atapi_reply(ch, 36, packet[4]);
    return SENSE_NONE;
}

static enum sense capacity(struct ide_channel *ch, const uint8_t *packet)
{
    (void)packet;
    big_put(ch->buffer, 4, disc_sectors(ide_selected(ch)) - 1);
    big_put(ch->buffer + 4, 4, CD_SECTOR);
    atapi_reply(ch, 8, 8);
    return SENSE_NONE;
}

static enum sense read_sectors(struct ide_channel *ch, uint32_t lba, uint32_t count)
{
    if (!block_has(ide_selected(ch)->media, lba, count))
        return SENSE_BAD_LBA;
    ch->lba = lba;
    packet_send(ch, 0, (uint64_t)count * CD_SECTOR);
    return SENSE_NONE;
}

static enum sense read_10(struct ide_channel *ch, const uint8_t *packet)
{
    return read_sectors(ch, big32(packet + 2), big16(packet + 7));
}

static enum sense read_12(struct ide_channel *ch, const uint8_t *packet)
{
    uint32_t count = big32(packet + 6);
    return count > UINT32_MAX / CD_SECTOR ? SENSE_BAD_FIELD : read_sectors(ch, big32(packet + 2), count);
}

// Only the 2,048 bytes of user data: what asks for headers gets an error.
static enum sense read_cd(struct ide_channel *ch, const uint8_t *packet)
{
    uint32_t count = big32(packet + 5) & 0xffffff;
    if ((packet[9] & 0xf8) == 0) {
        packet_end(ch, SENSE_NONE);
        return SENSE_NONE;
    }
    return (packet[9] & 0xf8) == 0x10 ? read_sectors(ch, big32(packet + 2), count) : SENSE_BAD_FIELD;
}

static enum sense seek(struct ide_channel *ch, const uint8_t *packet)
{
    if (!block_has(ide_selected(ch)->media, big32(packet + 2), 1))
        return SENSE_BAD_LBA;
    packet_end(ch, SENSE_NONE);
    return SENSE_NONE;
}

// What each command needs: a medium; to be told of a change first.
enum need { MEDIUM = 1, SETTLED = 2 };

static const struct {
    uint8_t code, needs;
    packet_handler *handler;
} packets[] = {
    {GPCMD_TEST_UNIT_READY, MEDIUM | SETTLED, done},
    {GPCMD_REQUEST_SENSE, 0, request_sense},
    {GPCMD_INQUIRY, 0, inquiry},
    {GPCMD_MODE_SENSE_6, 0, atapi_mode_sense},
    {GPCMD_START_STOP_UNIT, 0, done}, // the tray stays closed
    {GPCMD_PREVENT_ALLOW_MEDIUM_REMOVAL, 0, done},
    {GPCMD_READ_CDVD_CAPACITY, MEDIUM | SETTLED, capacity},
    {GPCMD_READ_10, MEDIUM | SETTLED, read_10},
    {GPCMD_SEEK, MEDIUM | SETTLED, seek},
    {GPCMD_READ_SUBCHANNEL, MEDIUM | SETTLED, atapi_subchannel},
    {GPCMD_READ_TOC_PMA_ATIP, MEDIUM | SETTLED, atapi_read_toc},
    {GPCMD_GET_CONFIGURATION, 0, atapi_get_configuration},
    {GPCMD_GET_EVENT_STATUS_NOTIFICATION, 0, atapi_event_status},
    {GPCMD_READ_DISC_INFO, MEDIUM | SETTLED, atapi_disc_info},
    {GPCMD_READ_TRACK_RZONE_INFO, MEDIUM | SETTLED, atapi_track_info},
    {GPCMD_MODE_SENSE_10, 0, atapi_mode_sense},
    {GPCMD_READ_12, MEDIUM | SETTLED, read_12},
    {GPCMD_SET_SPEED, 0, done},
    {GPCMD_MECHANISM_STATUS, 0, atapi_mechanism},
    {GPCMD_READ_CD, MEDIUM | SETTLED, read_cd},
};

static enum sense packet_execute(struct ide_channel *ch, const uint8_t *packet)
{
    struct ide_drive *d = ide_selected(ch);
    for (unsigned i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        if (packets[i].code != packet[0])
            continue;
        if (packets[i].needs & MEDIUM && !block_present(d->media))
            return SENSE_NO_MEDIUM;
        if (packets[i].needs & SETTLED && d->attention) {
            d->attention = false;
            return SENSE_CHANGED;
        }
        return packets[i].handler(ch, packet);
    }
    return SENSE_BAD_COMMAND;
}

void atapi_packet(struct ide_channel *ch)
{
    uint8_t packet[12];
    __builtin_memcpy(packet, ch->buffer, sizeof(packet));
    __builtin_memset(ch->buffer, 0, REPLY_ROOM);
    ch->phase = IDE_IDLE;
    ch->at = ch->filled = 0;
    enum sense sense = packet_execute(ch, packet);
    if (sense)
        packet_end(ch, sense);
}

void atapi_identify(struct ide_channel *ch)
{
    struct ide_drive *d = ide_selected(ch);
    const struct ata_word words[] = {
        {0, 0x85c0},
        {49, 0x0b00},
        {51, 0x0200},
        {53, 0x0007},
        {63, ata_mode_words(d, false)},
        {64, 0x0003},
        {65, 120},
        {66, 120},
        {67, 120},
        {68, 120},
        {80, 0x00f0},
        {82, 0x4210},
        {83, 0x4000},
        {84, 0x4000},
        {85, 0x4210},
        {87, 0x4000},
        {88, ata_mode_words(d, true)},
        {93, 0x600b},
    };
    ata_identity(d, MODEL, words, sizeof(words) / sizeof(words[0]), ch->buffer);
    ide_transfer(ch, IDE_PIO_IN, ATA_SECTOR, ATA_SECTOR, ATA_SECTOR);
}
