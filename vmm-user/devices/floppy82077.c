// SPDX-License-Identifier: MIT
// Registers and simple commands of the floppy controller; floppy_data.c moves sectors.
#include "vmm-user/devices/floppy_parts.h"

#define RESET_US 200
#define SEEK_US  1000
#define DATA_US  1000

const struct floppy_format *floppy_format_of(uint64_t sectors)
{
    static const struct floppy_format formats[] = {
        {320, 40, 1, 8, 0x06, 1},   {360, 40, 1, 9, 0x06, 1},   {640, 40, 2, 8, 0x06, 1},   {720, 40, 2, 9, 0x06, 1},
        {1440, 80, 2, 9, 0x06, 3},  {2400, 80, 2, 15, 0x01, 2}, {2880, 80, 2, 18, 0x01, 4}, {3360, 80, 2, 21, 0x01, 4},
        {3444, 82, 2, 21, 0x01, 4}, {5760, 80, 2, 36, 0x08, 5},
    };
    // What is not exactly an older format is a 1.44M disk, maybe with its end cut off.
    for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (sectors == formats[i].sectors || (sectors < formats[i].sectors && formats[i].sectors >= 2880))
            return &formats[i];
    return NULL;
}

static void interrupt_set(struct floppy *f, bool on)
{
    f->interrupt = on;
    irq_line_set(&f->irq, on && f->dor & FDC_DOR_GATE);
}

static void work_in(struct floppy *f, unsigned us)
{
    struct clock *clock = f->dev.clock;
    timer_set(clock, &f->work, clock->now(clock) + mul_div(us, clock->tsc_hz, 1000000));
}

static void command_await(struct floppy *f)
{
    f->phase = FDC_COMMAND;
    f->count = f->at = 0;
    f->expected = 1;
}

void floppy_result(struct floppy *f, const uint8_t *bytes, unsigned count, bool interrupt)
{
    __builtin_memcpy(f->bytes, bytes, count);
    f->phase = FDC_RESULT;
    f->count = (uint8_t)count;
    f->at = 0;
    if (interrupt)
        interrupt_set(f, true);
}

// ---- reset

static void controller_reset(struct floppy *f)
{
    command_await(f);
    f->seeking = 0;
    __builtin_memset(f->sense, 0, sizeof(f->sense));
    __builtin_memset(f->track, 0, sizeof(f->track));
    f->perpendicular = 0;
    if (!f->locked)
        __builtin_memset(f->configure, 0, sizeof(f->configure));
    f->resetting = false;
    interrupt_set(f, false);
    timer_set(f->dev.clock, &f->work, TIMER_NEVER);
}

// Out of reset: polling finds all four drives changed to ready. Software waits for that interrupt even if it has locked
// a configuration without polling.
static void reset_finished(struct floppy *f)
{
    f->resetting = false;
    for (unsigned i = 0; i < 4; i++)
        f->sense[i] = (uint8_t)(FDC_ST0_POLLED | i);
    interrupt_set(f, true);
}

static void reset_leave(struct floppy *f)
{
    f->resetting = true;
    work_in(f, RESET_US);
}

static void dor_write(struct floppy *f, uint8_t value)
{
    uint8_t old = f->dor;
    f->dor = value;
    if (!(value & FDC_DOR_RESET))
        controller_reset(f);
    else if (!(old & FDC_DOR_RESET))
        reset_leave(f);
    irq_line_set(&f->irq, f->interrupt && value & FDC_DOR_GATE);
}

static void dsr_write(struct floppy *f, uint8_t value)
{
    f->dsr = value & (uint8_t)~FDC_DSR_RESET;
    f->ccr = value & FDC_DSR_RATE;
    if (value & FDC_DSR_RESET) {
        controller_reset(f);
        reset_leave(f);
    }
}

// ---- commands that move the head or ask

static void seek_begin(struct floppy *f, unsigned drive, unsigned track)
{
    f->track[drive] = (uint8_t)track;
    f->seeking |= (uint8_t)(1 << drive);
    command_await(f);
    work_in(f, SEEK_US);
}

static void seek_finished(struct floppy *f)
{
    for (unsigned i = 0; i < 4; i++) {
        if (!(f->seeking >> i & 1))
            continue;
        f->sense[i] = (uint8_t)(ST0_SE | i);
        if (i >= FDC_DRIVES || !f->drives[i].there) { // no track 0 signal comes
            f->sense[i] |= FDC_ST0_ABNORMAL | ST0_ECE;
            continue;
        }
        struct floppy_drive *d = &f->drives[i];
        unsigned last = d->format ? d->format->cylinders + 3u : 83;
        bool stepped = d->track != f->track[i];
        d->track = (uint8_t)(f->track[i] > last ? last : f->track[i]);
        if (d->media && (stepped || f->track[i] == 0)) // a step with a disk in clears the change line
            d->changed = false;
    }
    f->seeking = 0;
    interrupt_set(f, true);
}

static void recalibrate(struct floppy *f)
{
    seek_begin(f, f->bytes[1] & 3, 0);
}

static void seek(struct floppy *f)
{
    seek_begin(f, f->bytes[1] & 3, f->bytes[2]);
}

static void sense_interrupt(struct floppy *f)
{
    interrupt_set(f, false);
    for (unsigned i = 0; i < 4; i++) {
        if (!f->sense[i])
            continue;
        floppy_result(f, (const uint8_t[]){f->sense[i], f->track[i]}, 2, false);
        f->sense[i] = 0;
        return;
    }
    floppy_result(f, (const uint8_t[]){FDC_INVALID}, 1, false);
}

static void sense_drive(struct floppy *f)
{
    unsigned n = f->bytes[1] & 3;
    uint8_t st3 = (uint8_t)((f->bytes[1] & 7) | ST3_RY | ST3_DS);
    if (n < FDC_DRIVES && f->drives[n].there) {
        const struct floppy_drive *d = &f->drives[n];
        st3 |= d->track == 0 ? ST3_TZ : 0;
        st3 |= d->media && d->media->read_only ? ST3_WP : 0;
    }
    floppy_result(f, &st3, 1, false);
}

static void specify(struct floppy *f)
{
    __builtin_memcpy(f->specify, f->bytes + 1, 2);
    command_await(f);
}

static void configure(struct floppy *f)
{
    __builtin_memcpy(f->configure, f->bytes + 1, 3);
    command_await(f);
}

static void perpendicular(struct floppy *f)
{
    f->perpendicular = f->bytes[1];
    command_await(f);
}

static void version(struct floppy *f)
{
    floppy_result(f, (const uint8_t[]){FDC_VERSION_82077}, 1, false);
}

static void lock(struct floppy *f)
{
    f->locked = f->bytes[0] & FDC_COMMAND_MT;
    floppy_result(f, (const uint8_t[]){(uint8_t)(f->locked << 4)}, 1, false);
}

static void dump_registers(struct floppy *f)
{
    const struct floppy_drive *d = &f->drives[f->dor & 1];
    floppy_result(f,
                  (const uint8_t[]){f->track[0], f->track[1], f->track[2], f->track[3], f->specify[0], f->specify[1],
                                    d->format ? d->format->spt : 0,
                                    (uint8_t)(f->locked << 7 | (f->perpendicular & 0x7f)), f->configure[1],
                                    f->configure[2]},
                  10, false);
}

static void invalid(struct floppy *f)
{
    floppy_result(f, (const uint8_t[]){FDC_INVALID}, 1, false);
}

// Commands that move data: their work is done when the disk has come round.
static void data_begin(struct floppy *f)
{
    f->phase = FDC_EXECUTING;
    work_in(f, DATA_US);
}

static const struct fdc_command {
    uint8_t code, mask, parameters;
    void (*begin)(struct floppy *f);
    void (*finish)(struct floppy *f); // of data_begin
} commands[] = {
    {FD_SPECIFY, 0xff, 2, specify, NULL},
    {FD_GETSTATUS, 0xff, 1, sense_drive, NULL},
    {FD_RECALIBRATE, 0xff, 1, recalibrate, NULL},
    {FD_SENSEI, 0xff, 0, sense_interrupt, NULL},
    {FD_DUMPREGS, 0xff, 0, dump_registers, NULL},
    {FD_SEEK, 0xff, 2, seek, NULL},
    {FD_VERSION, 0xff, 0, version, NULL},
    {FD_PERPENDICULAR, 0xff, 1, perpendicular, NULL},
    {FD_CONFIGURE, 0xff, 3, configure, NULL},
    {FD_UNLOCK, 0x7f, 0, lock, NULL},
    {FD_READ & FDC_COMMAND_CODE, 0x1f, 8, data_begin, floppy_read},
    {FD_WRITE & FDC_COMMAND_CODE, 0x3f, 8, data_begin, floppy_write},
    {0x16, 0x1f, 8, data_begin, floppy_verify},
    {FD_READID & FDC_COMMAND_CODE, 0x1f, 1, data_begin, floppy_read_id},
    {FD_FORMAT & FDC_COMMAND_CODE, 0xbf, 5, data_begin, floppy_format_track},
};

static const struct fdc_command *command_of(uint8_t byte)
{
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if ((byte & commands[i].mask) == commands[i].code)
            return &commands[i];
    return NULL;
}

static void floppy_fire(struct device *dev, uint64_t now)
{
    (void)now;
    struct floppy *f = (struct floppy *)dev;
    if (f->resetting) {
        reset_finished(f);
    } else if (f->phase == FDC_EXECUTING) {
        const struct fdc_command *c = command_of(f->bytes[0]);
        if (c && c->finish)
            c->finish(f);
        else
            invalid(f);
    }
    if (f->seeking)
        seek_finished(f);
}

// ---- registers

static void data_write(struct floppy *f, uint8_t value)
{
    if (f->phase != FDC_COMMAND || !(f->dor & FDC_DOR_RESET) || f->resetting)
        return;
    const struct fdc_command *c = command_of(f->count ? f->bytes[0] : value);
    if (!f->count && c)
        f->expected = (uint8_t)(1 + c->parameters);
    f->bytes[f->count++] = value;
    if (!c)
        invalid(f);
    else if (f->count == f->expected)
        c->begin(f);
}

static uint8_t data_read(struct floppy *f)
{
    if (f->phase != FDC_RESULT)
        return 0xff;
    uint8_t value = f->bytes[f->at++];
    if (!f->sense[0] && !f->sense[1] && !f->sense[2] && !f->sense[3])
        interrupt_set(f, false);
    if (f->at == f->count)
        command_await(f);
    return value;
}

static uint8_t status_read(const struct floppy *f)
{
    uint8_t busy = f->seeking;
    if (!(f->dor & FDC_DOR_RESET) || f->resetting)
        return 0;
    if (f->phase == FDC_EXECUTING)
        return busy | STATUS_BUSY;
    if (f->phase == FDC_RESULT)
        return busy | STATUS_READY | STATUS_DIR | STATUS_BUSY;
    return (uint8_t)(busy | STATUS_READY | (f->count ? STATUS_BUSY : 0));
}

// The change line of the selected drive, if its motor runs. A drive that is not there shows none.
static uint8_t dir_read(const struct floppy *f)
{
    unsigned n = f->dor & FDC_DOR_SELECT;
    if (n >= FDC_DRIVES || !f->drives[n].there || !(f->dor & FDC_DOR_MOTOR0 << n))
        return 0;
    return f->drives[n].changed || !f->drives[n].media ? FDC_DIR_CHANGE : 0;
}

static uint64_t floppy_read_port(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)size;
    struct floppy *f = (struct floppy *)dev;
    switch (port - FDC_PORT) {
    case FD_DOR:
        return f->dor;
    case FD_TDR:
        return f->tdr;
    case FD_STATUS:
        return status_read(f);
    case FD_DATA:
        return data_read(f);
    case FD_DIR:
        return dir_read(f);
    default: // status registers A and B exist in PS/2 mode only
        return 0xff;
    }
}

static void floppy_write_port(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space, (void)size;
    struct floppy *f = (struct floppy *)dev;
    switch (port - FDC_PORT) {
    case FD_DOR:
        dor_write(f, (uint8_t)value);
        break;
    case FD_TDR:
        f->tdr = value & 3;
        break;
    case FD_DSR:
        dsr_write(f, (uint8_t)value);
        break;
    case FD_DATA:
        data_write(f, (uint8_t)value);
        break;
    case FD_DCR:
        f->ccr = value & FDC_DSR_RATE;
        break;
    default:
        break;
    }
}

// ---- state

static void floppy_reset(struct device *dev)
{
    struct floppy *f = (struct floppy *)dev;
    f->dor = f->tdr = 0;
    f->dsr = f->ccr = 2;
    f->locked = false;
    __builtin_memset(f->specify, 0, sizeof(f->specify));
    __builtin_memset(f->bytes, 0, sizeof(f->bytes));
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        f->drives[i].track = f->drives[i].next_id = 0;
        f->drives[i].changed = f->drives[i].there;
    }
    controller_reset(f);
}

static void floppy_state(struct device *dev, struct state *s)
{
    struct floppy *f = (struct floppy *)dev;
    uint8_t *const bytes[] = {&f->dor,   &f->dsr,      &f->ccr, &f->tdr,           &f->phase,
                              &f->count, &f->expected, &f->at,  &f->perpendicular, &f->seeking};
    STATE_EACH(s, bytes);
    STATE(s, f->bytes);
    STATE(s, f->track);
    STATE(s, f->specify);
    STATE(s, f->configure);
    STATE(s, f->sense);
    STATE(s, f->locked);
    STATE(s, f->interrupt);
    STATE(s, f->resetting);
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        STATE(s, f->drives[i].changed);
        STATE(s, f->drives[i].track);
        STATE(s, f->drives[i].next_id);
    }
    STATE(s, f->work.deadline);
}

static bool floppy_valid(const struct floppy *f)
{
    if (f->phase >= FDC_PHASES || f->seeking > 15)
        return false;
    if (f->phase == FDC_RESULT)
        return f->count <= sizeof(f->bytes) && f->at < f->count;
    if (f->phase == FDC_COMMAND && !f->count)
        return true;
    const struct fdc_command *c = command_of(f->bytes[0]); // in progress
    unsigned needed = c ? 1u + c->parameters : 0;
    return c && f->expected == needed &&
           (f->phase == FDC_EXECUTING ? f->count == needed && c->finish : f->count < needed);
}

static bool floppy_loaded(struct device *dev)
{
    struct floppy *f = (struct floppy *)dev;
    if (!floppy_valid(f))
        return false;
    timer_set(dev->clock, &f->work, f->work.deadline);
    irq_line_set(&f->irq, f->interrupt && f->dor & FDC_DOR_GATE);
    return true;
}

static const struct device_ops floppy_ops = {
    .name = "floppy82077",
    .read = floppy_read_port,
    .write = floppy_write_port,
    .reset = floppy_reset,
    .version = 1,
    .state = floppy_state,
    .loaded = floppy_loaded,
    .max_size = 1,
};

bool floppy_attach(struct floppy *f, unsigned drive, const struct block_backend *media)
{
    const struct floppy_format *format = NULL;
    if (drive >= FDC_DRIVES)
        return false;
    if (block_present(media)) {
        format = floppy_format_of(media->sectors);
        if (!format || media->sector_size != FDC_SECTOR)
            return false;
    } else {
        media = NULL;
    }
    struct floppy_drive *d = &f->drives[drive];
    d->media = media;
    d->format = format;
    d->there = d->changed = true;
    return true;
}

void floppy_init(struct floppy *f, struct clock *clock, struct dma8237 *dma, struct irq_line irq)
{
    *f = (struct floppy){.dma = dma, .irq = irq};
    device_init(&f->dev, &floppy_ops, clock);
    device_add_range(&f->dev, IO_PORT, FDC_PORT, FDC_PORTS);
    device_add_range(&f->dev, IO_PORT, FDC_DIR, 1);
    timer_register(clock, &f->work, &f->dev, floppy_fire);
    floppy_reset(&f->dev);
}
