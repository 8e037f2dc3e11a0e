// SPDX-License-Identifier: MIT
// INT 15h AH=C2h: the pointing device, and IRQ 12. A call that talks to the mouse is a small program of commands; it
// asks again until the mouse has answered each.
#include "bios-emul/internal.h"
#include "pc/i8042.h"

#define ERROR_FUNCTION   1
#define ERROR_INPUT      2
#define ERROR_INTERFACE  3
#define ERROR_NO_HANDLER 5
#define TIMEOUT_TICKS    19 // a second
#define PACKET_MAX       8

// One step: a byte to the mouse, and how many it answers after the acknowledgement.
struct step {
    uint8_t byte, replies;
    bool argument; // the byte is what the call carries
};

static const struct step steps_enable[] = {{PS2_ENABLE, 0, false}};
static const struct step steps_disable[] = {{PS2_DISABLE, 0, false}};
static const struct step steps_reset[] = {{PS2_RESET, 2, false}};
static const struct step steps_rate[] = {{PS2_SET_RATE, 0, false}, {0, 0, true}};
static const struct step steps_resolution[] = {{PS2_SET_RESOLUTION, 0, false}, {0, 0, true}};
static const struct step steps_type[] = {{PS2_IDENTIFY, 1, false}};
static const struct step steps_status[] = {{PS2_STATUS, 3, false}};
static const struct step steps_scale1[] = {{PS2_SCALE_1, 0, false}};
static const struct step steps_scale2[] = {{PS2_SCALE_2, 0, false}};

static const struct {
    const struct step *steps;
    uint8_t count;
} programs[] = {
    {NULL, 0},       {steps_enable, 1}, {steps_disable, 1}, {steps_reset, 1},  {steps_rate, 2}, {steps_resolution, 2},
    {steps_type, 1}, {steps_status, 1}, {steps_scale1, 1},  {steps_scale2, 1},
};
enum {
    PROGRAM_NONE,
    PROGRAM_ENABLE,
    PROGRAM_DISABLE,
    PROGRAM_RESET,
    PROGRAM_RATE,
    PROGRAM_RESOLUTION,
    PROGRAM_TYPE,
    PROGRAM_STATUS,
    PROGRAM_SCALE1,
    PROGRAM_SCALE2,
    PROGRAMS
};

enum { PROGRESS_WAIT, PROGRESS_DONE, PROGRESS_FAILED };

static void step_send(struct bios *b)
{
    const struct step *step = &programs[b->state.mouse.command].steps[b->state.mouse.step];
    b->state.mouse.need = step->replies + 1;
    b->state.mouse.got = 0;
    port_out(b, I8042_COMMAND, I8042_WRITE_AUX);
    port_out(b, I8042_DATA, step->argument ? b->state.mouse.argument : step->byte);
}

static void controller_control(struct bios *b, bool interrupt)
{
    uint8_t value = I8042_CTR_KEYBOARD_INT | I8042_CTR_SYS | I8042_CTR_TRANSLATE;
    port_out(b, I8042_COMMAND, I8042_WRITE_RAM);
    port_out(b, I8042_DATA, interrupt ? value | I8042_CTR_AUX_INT : value);
}

// A byte of the mouse while a program runs.
static void reply_take(struct bios *b, uint8_t byte)
{
    if (b->state.mouse.got == 0 && byte != PS2_ACK)
        return; // of a packet that was on its way
    if (b->state.mouse.got && b->state.mouse.got <= sizeof(b->state.mouse.reply))
        b->state.mouse.reply[b->state.mouse.got - 1] = byte;
    b->state.mouse.got++;
    if (b->state.mouse.got < b->state.mouse.need)
        return;
    if (++b->state.mouse.step < programs[b->state.mouse.command].count)
        step_send(b);
    else
        b->state.mouse.status = PROGRESS_DONE;
}

static void program_start(struct bios *b, uint8_t program, uint8_t argument)
{
    b->state.mouse.command = program;
    b->state.mouse.argument = argument;
    b->state.mouse.step = 0;
    b->state.mouse.status = PROGRESS_WAIT;
    b->state.mouse.started = bda32(b, BDA_TICKS);
    b->state.mouse.count = 0;
    controller_control(b, true);
    step_send(b);
}

// Begins the program at the first call, then looks for answers; the end of it is in *progress.
static bool program_run(struct bios *b, uint8_t program, uint8_t argument, bool *failed)
{
    if (b->state.mouse.command == PROGRAM_NONE || b->state.mouse.command >= PROGRAMS)
        program_start(b, program, argument);
    const uint8_t full = I8042_STATUS_OBF | I8042_STATUS_AUX;
    for (unsigned i = 0; i < 8 && (port_in(b, I8042_COMMAND) & full) == full && b->state.mouse.status == PROGRESS_WAIT;
         i++)
        reply_take(b, port_in(b, I8042_DATA));
    *failed = b->state.mouse.status == PROGRESS_WAIT && bda32(b, BDA_TICKS) - b->state.mouse.started > TIMEOUT_TICKS;
    if (b->state.mouse.status == PROGRESS_WAIT && !*failed)
        return false;
    b->state.mouse.command = PROGRAM_NONE;
    return true;
}

static enum bios_result answer(struct bios_regs *r, uint8_t error)
{
    r->a.h = error;
    carry(r, error != 0);
    return BIOS_DONE;
}

static enum bios_result enable(struct bios *b, struct bios_regs *r)
{
    bool failed;
    if (r->b.h > 1)
        return answer(r, ERROR_INPUT);
    if (r->b.h && !b->state.mouse.handler_cs && !b->state.mouse.handler_ip)
        return answer(r, ERROR_NO_HANDLER);
    if (!program_run(b, r->b.h ? PROGRAM_ENABLE : PROGRAM_DISABLE, 0, &failed))
        return BIOS_AGAIN;
    b->state.mouse.enabled = r->b.h;
    controller_control(b, r->b.h);
    return answer(r, failed ? ERROR_INTERFACE : 0);
}

// Reset and initialisation (AL = 5, with the packet's size in BH).
static enum bios_result reset(struct bios *b, struct bios_regs *r)
{
    bool failed;
    if (r->a.l == 5 && (r->b.h < 1 || r->b.h > PACKET_MAX))
        return answer(r, ERROR_INPUT);
    if (!program_run(b, PROGRAM_RESET, 0, &failed))
        return BIOS_AGAIN;
    if (r->a.l == 5)
        b->state.mouse.package = r->b.h;
    b->state.mouse.enabled = 0;
    controller_control(b, false);
    if (!failed) {
        r->b.l = b->state.mouse.reply[0];
        r->b.h = b->state.mouse.reply[1];
    }
    return answer(r, failed ? ERROR_INTERFACE : 0);
}

static enum bios_result set_rate(struct bios *b, struct bios_regs *r)
{
    static const uint8_t rates[] = {10, 20, 40, 60, 80, 100, 200};
    bool failed;
    if (r->b.h >= sizeof(rates))
        return answer(r, ERROR_INPUT);
    if (!program_run(b, PROGRAM_RATE, rates[r->b.h], &failed))
        return BIOS_AGAIN;
    return answer(r, failed ? ERROR_INTERFACE : 0);
}

static enum bios_result set_resolution(struct bios *b, struct bios_regs *r)
{
    bool failed;
    if (r->b.h > 3)
        return answer(r, ERROR_INPUT);
    if (!program_run(b, PROGRAM_RESOLUTION, r->b.h, &failed))
        return BIOS_AGAIN;
    return answer(r, failed ? ERROR_INTERFACE : 0);
}

static enum bios_result get_type(struct bios *b, struct bios_regs *r)
{
    bool failed;
    if (!program_run(b, PROGRAM_TYPE, 0, &failed))
        return BIOS_AGAIN;
    r->b.h = failed ? r->b.h : b->state.mouse.reply[0];
    return answer(r, failed ? ERROR_INTERFACE : 0);
}

static enum bios_result extended(struct bios *b, struct bios_regs *r)
{
    static const uint8_t program[] = {PROGRAM_STATUS, PROGRAM_SCALE1, PROGRAM_SCALE2};
    bool failed;
    if (r->b.h >= sizeof(program))
        return answer(r, ERROR_INPUT);
    if (!program_run(b, program[r->b.h], 0, &failed))
        return BIOS_AGAIN;
    if (!failed && r->b.h == 0) {
        r->b.l = b->state.mouse.reply[0];
        r->c.l = b->state.mouse.reply[1];
        r->d.l = b->state.mouse.reply[2];
    }
    return answer(r, failed ? ERROR_INTERFACE : 0);
}

static enum bios_result set_handler(struct bios *b, struct bios_regs *r)
{
    uint32_t ebda = ebda_linear(b);
    b->state.mouse.handler_ip = r->b.x;
    b->state.mouse.handler_cs = r->es;
    mem_put(b, ebda + 0x22, 4, (uint32_t)r->es << 16 | r->b.x);
    mem_put8(b, ebda + 0x27, r->es || r->b.x ? 0x80 : 0);
    return answer(r, 0);
}

enum bios_result int15_mouse(struct bios *b, struct bios_regs *r)
{
    static const bios_service functions[] = {enable,   reset, set_rate, set_resolution,
                                             get_type, reset, extended, set_handler};
    if (r->a.l < sizeof(functions) / sizeof(functions[0]))
        return functions[r->a.l](b, r);
    unknown_count(b, r, 0x15);
    return answer(r, ERROR_FUNCTION);
}

// IRQ 12. AL = 1: a packet is complete: BX, CX, DX its status, X and Y; ES:DI is who wants it.
enum bios_result mouse_byte(struct bios *b, struct bios_regs *r)
{
    const uint8_t full = I8042_STATUS_OBF | I8042_STATUS_AUX;
    r->a.l = 0;
    if ((port_in(b, I8042_COMMAND) & full) != full)
        return BIOS_DONE;
    uint8_t byte = port_in(b, I8042_DATA);
    if (b->state.mouse.command != PROGRAM_NONE && b->state.mouse.command < PROGRAMS) {
        reply_take(b, byte);
        return BIOS_DONE;
    }
    if (!b->state.mouse.enabled || (b->state.mouse.count == 0 && !(byte & 0x08)))
        return BIOS_DONE; // not the first byte of a packet
    b->state.mouse.packet[b->state.mouse.count++] = byte;
    uint8_t whole = b->state.mouse.package >= 3 && b->state.mouse.package <= PACKET_MAX ? b->state.mouse.package : 3;
    if (b->state.mouse.count < whole)
        return BIOS_DONE;
    b->state.mouse.count = 0;
    r->b.x = b->state.mouse.packet[0];
    r->c.x = b->state.mouse.packet[1];
    r->d.x = b->state.mouse.packet[2];
    es_set(r, b->state.mouse.handler_cs);
    r->di.x = b->state.mouse.handler_ip;
    r->a.l = b->state.mouse.handler_cs || b->state.mouse.handler_ip ? 1 : 0;
    return BIOS_DONE;
}
