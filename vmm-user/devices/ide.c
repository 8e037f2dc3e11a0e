// SPDX-License-Identifier: MIT
// Task file, data port and interrupts of the two channels; drives' commands are in ata_disk.c and atapi.c.
#include "vmm-user/devices/ide_parts.h"

// ---- interrupts and the ends of commands

void ide_line_update(struct ide_channel *ch)
{
    irq_line_set(&ch->irq, ch->intrq && !(ch->control & ATA_CONTROL_NIEN));
}

void ide_irq(struct ide_channel *ch, bool level)
{
    if (level && !(ch->control & ATA_CONTROL_NIEN))
        ch->bm.status |= BM_STATUS_INTR;
    ch->intrq = level;
    ide_line_update(ch);
}

static void transfer_clear(struct ide_channel *ch)
{
    ch->phase = IDE_IDLE;
    ch->at = ch->filled = ch->block = ch->block_size = 0;
    ch->left = 0;
}

void ide_idle(struct ide_channel *ch)
{
    transfer_clear(ch);
    ide_selected(ch)->status = ATA_STATUS_DRDY | ATA_STATUS_DSC;
}

void ide_done(struct ide_channel *ch)
{
    ide_idle(ch);
    ide_irq(ch, true);
}

void ide_fail(struct ide_channel *ch, uint8_t error)
{
    struct ide_drive *d = ide_selected(ch);
    transfer_clear(ch);
    d->error = error;
    d->status = ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_ERR;
    ide_irq(ch, true);
}

// ---- moving data

void ide_transfer(struct ide_channel *ch, enum ide_phase phase, uint32_t filled, uint64_t bytes, uint32_t block_size)
{
    ch->phase = (uint8_t)phase;
    ch->at = 0;
    ch->filled = filled;
    ch->left = bytes - filled;
    ch->block_size = block_size;
    ch->block = 0;
    if (phase == IDE_DMA_IN || phase == IDE_DMA_OUT)
        ide_selected(ch)->status = ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_DRQ;
    else
        ide_block(ch, phase == IDE_PIO_IN);
}

void ide_block(struct ide_channel *ch, bool interrupt)
{
    struct ide_drive *d = ide_selected(ch);
    uint64_t due = ch->filled - ch->at + ch->left;
    if (ch->phase == IDE_PIO_IN && ch->at == ch->filled && !ide_refill(ch))
        return;
    ch->block = ide_min(due, ch->block_size);
    if (ch->phase == IDE_PIO_OUT && ch->at == ch->filled) {
        ch->at = 0;
        ch->filled = ide_min(ch->left, ide_min(ch->block_size, IDE_BUFFER));
        ch->left -= ch->filled;
    }
    d->status = ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_DRQ;
    if (d->packet && ch->phase == IDE_PIO_IN) {
        d->regs[ATA_REASON] = ATA_REASON_IN;
        d->regs[ATA_LBA_MID] = (uint8_t)ch->block;
        d->regs[ATA_LBA_HIGH] = (uint8_t)(ch->block >> 8);
    }
    if (interrupt)
        ide_irq(ch, true);
}

bool ide_refill(struct ide_channel *ch)
{
    return ide_selected(ch)->packet ? atapi_refill(ch) : disk_refill(ch);
}

bool ide_flush(struct ide_channel *ch)
{
    return ide_selected(ch)->packet ? false : disk_flush(ch);
}

void ide_finished(struct ide_channel *ch)
{
    if (ide_selected(ch)->packet)
        atapi_finished(ch);
    else
        disk_finished(ch);
}

// The block is over: another one, or the end. A disk's last block in has been interrupted for already.
static void block_end_in(struct ide_channel *ch)
{
    if (ch->at < ch->filled || ch->left)
        ide_block(ch, true);
    else
        ide_finished(ch);
}

static void data_in(struct ide_channel *ch, uint8_t *to, uint32_t bytes)
{
    while (bytes && ch->phase == IDE_PIO_IN) {
        uint32_t n = ide_min(ide_min(bytes, ch->block), ch->filled - ch->at);
        __builtin_memcpy(to, ch->buffer + ch->at, n);
        to += n;
        bytes -= n;
        ch->at += n;
        ch->block -= n;
        if (!ch->block)
            block_end_in(ch);
        else if (ch->at == ch->filled && !ide_refill(ch))
            break;
    }
    __builtin_memset(to, 0, bytes);
}

static void buffer_full(struct ide_channel *ch)
{
    if (ch->phase == IDE_PACKET) {
        atapi_packet(ch);
    } else if (ide_flush(ch)) {
        if (ch->left)
            ide_block(ch, true);
        else
            ide_finished(ch);
    }
}

static void data_out(struct ide_channel *ch, const uint8_t *from, uint32_t bytes)
{
    while (bytes && (ch->phase == IDE_PIO_OUT || ch->phase == IDE_PACKET)) {
        uint32_t n = ide_min(bytes, ch->filled - ch->at);
        __builtin_memcpy(ch->buffer + ch->at, from, n);
        from += n;
        bytes -= n;
        ch->at += n;
        if (ch->at == ch->filled)
            buffer_full(ch);
    }
}

// ---- reset

static void drive_signature(struct ide_drive *d)
{
    uint16_t signature = d->packet ? ATA_SIGNATURE_PACKET : ATA_SIGNATURE_DISK;
    d->regs[ATA_COUNT] = d->regs[ATA_LBA_LOW] = 1;
    d->regs[ATA_LBA_MID] = (uint8_t)signature;
    d->regs[ATA_LBA_HIGH] = (uint8_t)(signature >> 8);
    d->regs[ATA_DEVICE] = 0;
}

static void drive_reset(struct ide_drive *d)
{
    __builtin_memset(d->hob, 0, sizeof(d->hob));
    drive_signature(d);
    d->error = ATA_DIAG_OK;
    d->status = d->packet ? 0 : ATA_STATUS_DRDY | ATA_STATUS_DSC; // a packet device is not ready until asked
}

static void channel_reset(struct ide_channel *ch)
{
    transfer_clear(ch);
    ch->selected = 0;
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        drive_reset(&ch->drives[i]);
    ide_irq(ch, false);
}

static void control_write(struct ide_channel *ch, uint8_t value)
{
    uint8_t old = ch->control;
    ch->control = value;
    if (value & ATA_CONTROL_SRST) {
        channel_reset(ch);
        for (unsigned i = 0; i < IDE_DRIVES; i++)
            ch->drives[i].status = ATA_STATUS_BSY;
    } else if (old & ATA_CONTROL_SRST) {
        channel_reset(ch);
    }
    ide_line_update(ch);
}

// ---- commands

static void diagnose(struct ide_channel *ch)
{
    channel_reset(ch);
    ide_irq(ch, true);
}

static void device_reset(struct ide_channel *ch)
{
    if (!ide_selected(ch)->packet) {
        ide_fail(ch, ATA_ERROR_ABRT);
        return;
    }
    transfer_clear(ch);
    uint8_t device = ide_selected(ch)->regs[ATA_DEVICE];
    drive_reset(ide_selected(ch));
    ide_selected(ch)->regs[ATA_DEVICE] = device;
}

// The command packet of 12 bytes is awaited, without an interrupt.
static void packet_begin(struct ide_channel *ch)
{
    struct ide_drive *d = ide_selected(ch);
    ide_irq(ch, false);
    transfer_clear(ch);
    ch->phase = IDE_PACKET;
    ch->filled = 12;
    d->regs[ATA_REASON] = ATA_REASON_COMMAND;
    d->status = ATA_STATUS_DRDY | ATA_STATUS_DRQ;
}

static void packet_drive_command(struct ide_channel *ch, uint8_t command)
{
    switch (command) {
    case ATA_CMD_PACKET:
        packet_begin(ch);
        break;
    case ATA_CMD_IDENTIFY_PACKET:
        atapi_identify(ch);
        break;
    case ATA_CMD_IDENTIFY:
    case ATA_CMD_READ:
        drive_signature(ide_selected(ch));
        ide_fail(ch, ATA_ERROR_ABRT);
        break;
    default:
        ata_command(ch, command);
        break;
    }
}

static void command_write(struct ide_channel *ch, uint8_t command)
{
    struct ide_drive *d = ide_selected(ch);
    if (command == ATA_CMD_DIAGNOSTIC) {
        diagnose(ch);
        return;
    }
    if (!d->media || ch->control & ATA_CONTROL_SRST)
        return;
    ide_irq(ch, false);
    if (command == ATA_CMD_DEVICE_RESET) {
        device_reset(ch);
        return;
    }
    if (ch->phase != IDE_IDLE)
        return; // busy: real drives behave in many ways
    d->error = 0;
    ch->command = command;
    if (d->packet)
        packet_drive_command(ch, command);
    else
        ata_command(ch, command);
}

// ---- registers

static void register_write(struct ide_channel *ch, unsigned reg, uint8_t value)
{
    ch->control &= ~ATA_CONTROL_HOB;
    if (reg == ATA_COMMAND) {
        command_write(ch, value);
        return;
    }
    if (ch->phase != IDE_IDLE)
        return;
    for (unsigned i = 0; i < IDE_DRIVES; i++) { // both drives listen
        struct ide_drive *d = &ch->drives[i];
        d->hob[reg] = d->regs[reg];
        d->regs[reg] = value;
    }
    if (reg == ATA_DEVICE)
        ch->selected = value & ATA_DEVICE_DEV ? 1 : 0;
}

static uint8_t register_read(struct ide_channel *ch, unsigned reg)
{
    struct ide_drive *d = ide_selected(ch);
    if (!d->media)
        return 0; // nobody drives the bus, or device 0 answers for the absent device 1
    if (reg == ATA_STATUS) {
        ide_irq(ch, false);
        return d->status;
    }
    if (reg == ATA_ERROR)
        return d->error;
    return ch->control & ATA_CONTROL_HOB ? d->hob[reg] : d->regs[reg];
}

// Which channel a port belongs to; *offset: from its first port, or 8 for the control port.
static struct ide_channel *channel_at(struct ide *ide, uint64_t port, unsigned *offset)
{
    unsigned n = port < ATA_PRIMARY_PORT || port == ATA_SECONDARY_CONTROL; // 170h-177h
    uint64_t base = n ? ATA_SECONDARY_PORT : ATA_PRIMARY_PORT;
    *offset = port - base < ATA_PORTS ? (unsigned)(port - base) : ATA_PORTS;
    return &ide->channels[n];
}

static uint8_t port_read(struct ide *ide, uint64_t port)
{
    unsigned reg;
    struct ide_channel *ch = channel_at(ide, port, &reg);
    if (reg == ATA_PORTS)
        return ide_selected(ch)->media ? ide_selected(ch)->status : 0;
    uint8_t byte = 0;
    if (reg == ATA_DATA)
        data_in(ch, &byte, 1);
    return reg == ATA_DATA ? byte : register_read(ch, reg);
}

static void port_write(struct ide *ide, uint64_t port, uint8_t value)
{
    unsigned reg;
    struct ide_channel *ch = channel_at(ide, port, &reg);
    if (reg == ATA_PORTS)
        control_write(ch, value);
    else if (reg == ATA_DATA)
        data_out(ch, &value, 1);
    else
        register_write(ch, reg, value);
    bm_run(ide, ch);
}

static bool is_data(uint64_t port, unsigned size)
{
    return size > 1 && (port == ATA_PRIMARY_PORT || port == ATA_SECONDARY_PORT);
}

void ide_data_read(struct ide *ide, uint16_t port, unsigned size, uint32_t count, void *to)
{
    unsigned reg;
    data_in(channel_at(ide, port, &reg), to, size * count);
}

void ide_data_write(struct ide *ide, uint16_t port, unsigned size, uint32_t count, const void *from)
{
    unsigned reg;
    struct ide_channel *ch = channel_at(ide, port, &reg);
    data_out(ch, from, size * count);
    bm_run(ide, ch);
}

static uint64_t ide_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space;
    struct ide *ide = (struct ide *)dev;
    uint64_t value = 0;
    if (port >= IDE_BM_PORT)
        return bm_read(ide, (unsigned)(port - IDE_BM_PORT), size);
    if (is_data(port, size)) {
        ide_data_read(ide, (uint16_t)port, size, 1, &value);
        return value;
    }
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)port_read(ide, port + i) << 8 * i;
    return value;
}

static void ide_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space;
    struct ide *ide = (struct ide *)dev;
    if (port >= IDE_BM_PORT) {
        bm_write(ide, (unsigned)(port - IDE_BM_PORT), size, (uint32_t)value);
    } else if (is_data(port, size)) {
        ide_data_write(ide, (uint16_t)port, size, 1, &value);
    } else {
        for (unsigned i = 0; i < size; i++)
            port_write(ide, port + i, (uint8_t)(value >> 8 * i));
    }
}

// REP INS and OUTS of the data ports.
static bool ide_transfers(struct device *dev, const struct io_block *b)
{
    struct ide *ide = (struct ide *)dev;
    if (!is_data(b->addr, b->size) || (b->kind != IO_BLOCK_IN && b->kind != IO_BLOCK_OUT))
        return false;
    if (b->kind == IO_BLOCK_IN)
        ide_data_read(ide, (uint16_t)b->addr, b->size, (uint32_t)b->count, b->host);
    else
        ide_data_write(ide, (uint16_t)b->addr, b->size, (uint32_t)b->count, b->host);
    return true;
}

// ---- the whole

void ide_reset(struct device *dev)
{
    struct ide *ide = (struct ide *)dev;
    for (unsigned c = 0; c < IDE_CHANNELS; c++) {
        struct ide_channel *ch = &ide->channels[c];
        ch->control = ch->command = 0;
        ch->bm.command = ch->bm.status = 0;
        ch->bm.prd = 0;
        ch->lba = 0;
        for (unsigned i = 0; i < IDE_DRIVES; i++) {
            struct ide_drive *d = &ch->drives[i];
            d->multiple = IDE_MULTIPLE;
            d->pio_mode = 4;
            d->mwdma_mode = 2;
            d->udma_mode = 0xff;
            d->sense_key = d->asc = d->ascq = 0;
            d->attention = false;
            if (d->media && !d->packet)
                disk_geometry(d);
        }
        channel_reset(ch);
        ch->bm.status = 0;
    }
    ide_pci_reset(ide);
}

static const struct device_ops ide_ops = {
    .name = "ide",
    .read = ide_read,
    .write = ide_write,
    .reset = ide_reset,
    .version = 1,
    .state = ide_state,
    .loaded = ide_loaded,
    .max_size = 4,
    .block = ide_transfers,
};

bool ide_attach(struct ide *ide, unsigned channel, unsigned drive, const struct block_backend *media)
{
    if (channel >= IDE_CHANNELS || drive >= IDE_DRIVES || ide->channels[channel].drives[drive].media)
        return false;
    bool disk = media->kind == BLOCK_DISK && media->sectors && media->sector_size == ATA_SECTOR;
    if (!disk && (media->kind != BLOCK_CD || media->sector_size != 2048))
        return false;
    struct ide_drive *d = &ide->channels[channel].drives[drive];
    *d = (struct ide_drive){.media = media, .packet = !disk, .serial = "MICA0000000000000001"};
    d->serial[19] = (char)('1' + channel * IDE_DRIVES + drive);
    ide_reset(&ide->dev);
    return true;
}

void ide_change_disc(struct ide *ide, unsigned channel, unsigned drive, const struct block_backend *media)
{
    struct ide_channel *ch = &ide->channels[channel];
    struct ide_drive *d = &ch->drives[drive];
    if (!d->packet)
        return;
    d->media = media;
    d->attention = true;
    if (ch->selected == drive && ch->phase != IDE_IDLE)
        ide_fail(ch, ATA_ERROR_ABRT);
}

void ide_init(struct ide *ide, struct clock *clock, const struct guest_mem *mem, struct irq_line primary,
              struct irq_line secondary)
{
    __builtin_memset(ide, 0, sizeof(*ide));
    ide->mem = mem;
    ide->channels[0].irq = primary;
    ide->channels[1].irq = secondary;
    device_init(&ide->dev, &ide_ops, clock);
    device_add_range(&ide->dev, IO_PORT, ATA_PRIMARY_PORT, ATA_PORTS);
    device_add_range(&ide->dev, IO_PORT, ATA_PRIMARY_CONTROL, 1);
    device_add_range(&ide->dev, IO_PORT, ATA_SECONDARY_PORT, ATA_PORTS);
    device_add_range(&ide->dev, IO_PORT, ATA_SECONDARY_CONTROL, 1);
    device_add_range(&ide->dev, IO_PORT, IDE_BM_PORT, (uint64_t)IDE_CHANNELS * BM_PORTS);
    ide_reset(&ide->dev);
}
