// SPDX-License-Identifier: MIT
#include "vmm-user/devices/pic8259.h"
#include "pc/pic8259.h"

enum { MASTER, SLAVE };
enum { ICW_NONE, ICW2 = 2, ICW3, ICW4 };

// Distance of the best request in `bits` from the highest priority, 8 if there is none.
static unsigned chip_priority(const struct pic_chip *c, uint8_t bits)
{
    unsigned first = (c->lowest + 1) & 7;
    unsigned turned = (uint8_t)(bits >> first | bits << (8 - first));
    return turned ? (unsigned)__builtin_ctz(turned) : 8;
}

// The input that raises INT, or -1.
static int chip_request(const struct pic_chip *c, bool master)
{
    uint8_t in_service = c->isr;
    if (c->special_mask)
        in_service &= ~c->imr;
    if (c->sfnm && master)
        in_service &= ~(1u << PIC_CASCADE);
    unsigned priority = chip_priority(c, c->irr & ~c->imr);
    if (priority >= chip_priority(c, in_service))
        return -1;
    return (int)((priority + c->lowest + 1) & 7);
}

static void pic_update(struct pic *pic)
{
    struct pic_chip *m = &pic->chip[MASTER];
    bool slave = chip_request(&pic->chip[SLAVE], false) >= 0;
    m->irr = (uint8_t)((m->irr & ~(1u << PIC_CASCADE)) | slave << PIC_CASCADE);
    bool intr = chip_request(m, true) >= 0;
    if (intr == pic->intr)
        return;
    pic->intr = intr;
    irq_line_set(&pic->out, intr);
}

void pic_set_irq(struct pic *pic, unsigned irq, bool level)
{
    if (irq > 15 || irq == PIC_CASCADE)
        return;
    struct pic_chip *c = &pic->chip[irq >> 3];
    uint8_t bit = (uint8_t)(1u << (irq & 7));
    bool was = c->lines & bit;
    if (was == level)
        return;
    c->lines ^= bit;
    if (level)
        c->irr |= bit;
    else if (c->elcr & bit)
        c->irr &= ~bit;
    else
        return; // the latched edge stays
    pic_update(pic);
}

static void chip_acknowledge(struct pic_chip *c, unsigned irq)
{
    uint8_t bit = (uint8_t)(1u << irq);
    if (!(c->elcr & bit))
        c->irr &= ~bit;
    if (!c->aeoi)
        c->isr |= bit;
    else if (c->rotate_aeoi)
        c->lowest = (uint8_t)irq;
}

// INTA of one chip; without a request IR7 is answered and not put in service.
static unsigned chip_inta(struct pic_chip *c, bool master)
{
    int irq = chip_request(c, master);
    if (irq < 0)
        return 7;
    chip_acknowledge(c, (unsigned)irq);
    return (unsigned)irq;
}

int pic_ack(struct pic *pic)
{
    unsigned irq = chip_inta(&pic->chip[MASTER], true);
    int vector = pic->chip[MASTER].base | (int)irq;
    if (irq == PIC_CASCADE && !pic->chip[MASTER].single)
        vector = pic->chip[SLAVE].base | (int)chip_inta(&pic->chip[SLAVE], false);
    pic_update(pic);
    return vector;
}

static void chip_icw1(struct pic_chip *c, uint8_t value)
{
    c->irr = c->lines & c->elcr; // the edge detectors want a new edge
    c->imr = c->isr = 0;
    c->lowest = 7;
    c->special_mask = c->read_isr = c->poll = c->aeoi = c->sfnm = c->rotate_aeoi = false;
    c->single = value & PIC_ICW1_SINGLE;
    c->need_icw4 = value & PIC_ICW1_IC4;
    c->init_step = ICW2;
}

static void chip_end_of_interrupt(struct pic_chip *c, bool specific, unsigned level, bool rotate)
{
    if (!specific) {
        unsigned priority = chip_priority(c, c->special_mask ? c->isr & ~c->imr : c->isr);
        if (priority == 8)
            return;
        level = (priority + c->lowest + 1) & 7;
    }
    c->isr &= ~(1u << level);
    if (rotate)
        c->lowest = (uint8_t)level;
}

static void chip_ocw2(struct pic_chip *c, uint8_t value)
{
    unsigned level = value & 7;
    bool rotate = value & 0x80, specific = value & 0x40, eoi = value & PIC_OCW2_EOI;
    if (eoi)
        chip_end_of_interrupt(c, specific, level, rotate);
    else if (!specific)
        c->rotate_aeoi = rotate;
    else if (rotate)
        c->lowest = (uint8_t)level;
}

static void chip_ocw3(struct pic_chip *c, uint8_t value)
{
    if (value & PIC_OCW3_ESMM)
        c->special_mask = value & PIC_OCW3_SMM;
    if (value & PIC_OCW3_RR)
        c->read_isr = value & PIC_OCW3_RIS;
    c->poll = value & PIC_OCW3_POLL;
}

static void chip_write_command(struct pic_chip *c, uint8_t value)
{
    if (value & PIC_ICW1_INIT)
        chip_icw1(c, value);
    else if (value & PIC_OCW3)
        chip_ocw3(c, value);
    else
        chip_ocw2(c, value);
}

static void chip_write_data(struct pic_chip *c, uint8_t value)
{
    switch (c->init_step) {
    case ICW2:
        c->base = value & 0xf8;
        c->init_step = !c->single ? ICW3 : c->need_icw4 ? ICW4 : ICW_NONE;
        break;
    case ICW3: // the cascade is wired, not programmed
        c->init_step = c->need_icw4 ? ICW4 : ICW_NONE;
        break;
    case ICW4:
        c->aeoi = value & PIC_ICW4_AEOI;
        c->sfnm = value & PIC_ICW4_SFNM;
        c->init_step = ICW_NONE;
        break;
    default:
        c->imr = value;
    }
}

// The poll command makes the next read an INTA cycle that shows the input in place of a vector.
static uint8_t pic_poll(struct pic *pic, unsigned n)
{
    struct pic_chip *c = &pic->chip[n];
    c->poll = false;
    int irq = chip_request(c, n == MASTER);
    if (irq < 0)
        return 0;
    chip_acknowledge(c, (unsigned)irq);
    pic_update(pic);
    return (uint8_t)(PIC_POLL_PENDING | irq);
}

static uint64_t pic_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)size;
    struct pic *pic = (struct pic *)dev;
    if (port >= PIC_ELCR_MASTER)
        return pic->chip[port & 1].elcr;
    unsigned n = port >= PIC_SLAVE_COMMAND;
    struct pic_chip *c = &pic->chip[n];
    if (c->poll)
        return pic_poll(pic, n);
    if (port & 1)
        return c->imr;
    return c->read_isr ? c->isr : c->irr;
}

static void pic_write_elcr(struct pic *pic, unsigned n, uint8_t value)
{
    struct pic_chip *c = &pic->chip[n];
    c->elcr = value & (n == MASTER ? PIC_ELCR_MASTER_OK : PIC_ELCR_SLAVE_OK);
    c->irr = (uint8_t)((c->irr & ~c->elcr) | (c->lines & c->elcr));
}

static void pic_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space, (void)size;
    struct pic *pic = (struct pic *)dev;
    struct pic_chip *c = &pic->chip[port >= PIC_SLAVE_COMMAND];
    if (port >= PIC_ELCR_MASTER)
        pic_write_elcr(pic, port & 1, (uint8_t)value);
    else if (port & 1)
        chip_write_data(c, (uint8_t)value);
    else
        chip_write_command(c, (uint8_t)value);
    pic_update(pic);
}

// Before its ICWs a chip is mute: all inputs masked.
static void pic_reset(struct device *dev)
{
    struct pic *pic = (struct pic *)dev;
    for (unsigned n = 0; n < 2; n++)
        pic->chip[n] = (struct pic_chip){.lines = pic->chip[n].lines, .imr = 0xff, .lowest = 7};
    pic->intr = false;
    irq_line_set(&pic->out, false);
}

static void pic_state(struct device *dev, struct state *s)
{
    struct pic *pic = (struct pic *)dev;
    for (unsigned n = 0; n < 2; n++) {
        struct pic_chip *c = &pic->chip[n];
        uint8_t *bytes[] = {&c->lines, &c->irr, &c->imr, &c->isr, &c->elcr, &c->base, &c->lowest, &c->init_step};
        bool *flags[] = {&c->need_icw4,   &c->single,       &c->aeoi,     &c->sfnm,
                         &c->rotate_aeoi, &c->special_mask, &c->read_isr, &c->poll};
        STATE_EACH(s, bytes);
        STATE_EACH(s, flags);
    }
}

static bool pic_loaded(struct device *dev)
{
    struct pic *pic = (struct pic *)dev;
    bool sane = true;
    for (unsigned n = 0; n < 2; n++) {
        struct pic_chip *c = &pic->chip[n];
        sane &= !(c->lowest > 7 || c->base & 7 || c->init_step > ICW4 || c->init_step == 1);
        c->elcr &= n == MASTER ? PIC_ELCR_MASTER_OK : PIC_ELCR_SLAVE_OK;
    }
    if (!sane)
        return false;
    pic->intr = false;
    pic_update(pic);
    irq_line_set(&pic->out, pic->intr);
    return true;
}

static const struct device_ops pic_ops = {
    .name = "pic8259",
    .read = pic_read,
    .write = pic_write,
    .reset = pic_reset,
    .version = 1,
    .state = pic_state,
    .loaded = pic_loaded,
    .max_size = 1,
};

void pic_init(struct pic *pic, struct clock *clock, struct irq_line out)
{
    *pic = (struct pic){.out = out};
    device_init(&pic->dev, &pic_ops, clock);
    device_add_range(&pic->dev, IO_PORT, PIC_MASTER_COMMAND, 2);
    device_add_range(&pic->dev, IO_PORT, PIC_SLAVE_COMMAND, 2);
    device_add_range(&pic->dev, IO_PORT, PIC_ELCR_MASTER, 2);
    pic_reset(&pic->dev);
}
