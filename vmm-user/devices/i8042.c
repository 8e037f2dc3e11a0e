// SPDX-License-Identifier: MIT
#include "vmm-user/devices/i8042.h"
#include "pc/i8042.h"

#define BYTES_HZ      2000 // bytes of a device follow each other at least half a millisecond apart
#define STATUS_BUFFER (I8042_STATUS_OBF | I8042_STATUS_AUX)
#define OUTPUT_IDLE   (I8042_OUTPUT_RESET | I8042_OUTPUT_A20)
#define CTR_POWER_ON                                                                                                   \
    (I8042_CTR_KEYBOARD_INT | I8042_CTR_SYS | I8042_CTR_AUX_OFF | I8042_CTR_TRANSLATE) // as firmware leaves it

static void i8042_update_irq(struct i8042 *k)
{
    bool full = k->status & I8042_STATUS_OBF, aux = k->status & I8042_STATUS_AUX;
    irq_line_set(&k->wires.keyboard, full && !aux && k->ram[0] & I8042_CTR_KEYBOARD_INT);
    irq_line_set(&k->wires.aux, full && aux && k->ram[0] & I8042_CTR_AUX_INT);
}

static void buffer_put(struct i8042 *k, uint8_t byte, bool aux)
{
    k->data = byte;
    k->status = (k->status & ~STATUS_BUFFER) | I8042_STATUS_OBF | (aux ? I8042_STATUS_AUX : 0);
    i8042_update_irq(k);
}

// The keyboard's next byte, translated; false if it was swallowed (F0 becomes bit 7 of the code after it).
static bool keyboard_take(struct i8042 *k, uint8_t *byte)
{
    *byte = ps2_queue_get(&k->keyboard.out);
    if (!(k->ram[0] & I8042_CTR_TRANSLATE))
        return true;
    if (*byte == PS2_BREAK) {
        k->breaking = true;
        return false;
    }
    *byte = ps2_set1(*byte) | (k->breaking ? 0x80 : 0);
    k->breaking = false;
    return true;
}

// Moves the next byte into the empty output buffer: the controller's own at once, the devices' in their time.
static void i8042_fill(struct i8042 *k)
{
    if (k->status & I8042_STATUS_OBF)
        return;
    if (k->has_reply) {
        k->has_reply = false;
        buffer_put(k, k->reply, k->reply_aux);
        return;
    }
    bool keyboard = k->keyboard.out.count && !(k->ram[0] & I8042_CTR_KEYBOARD_OFF);
    bool aux = k->mouse.out.count && !(k->ram[0] & I8042_CTR_AUX_OFF);
    if (!keyboard && !aux)
        return;
    if (k->dev.clock->now(k->dev.clock) < k->ready_at) {
        if (k->next.deadline != k->ready_at)
            timer_set(k->dev.clock, &k->next, k->ready_at);
        return;
    }
    uint8_t byte;
    while (keyboard && k->keyboard.out.count)
        if (keyboard_take(k, &byte)) {
            buffer_put(k, byte, false);
            return;
        }
    if (aux) {
        buffer_put(k, ps2_queue_get(&k->mouse.out), true);
        ps2_mouse_flush(&k->mouse);
    }
}

static void i8042_fire(struct device *dev, uint64_t now)
{
    struct i8042 *k = (struct i8042 *)dev;
    if (k->ready_at > now)
        k->ready_at = now;
    i8042_fill(k);
}

bool i8042_key(struct i8042 *k, const uint8_t *codes, unsigned n)
{
    bool taken = ps2_keyboard_key(&k->keyboard, codes, n);
    i8042_fill(k);
    return taken;
}

void i8042_mouse(struct i8042 *k, int dx, int dy, int dz, unsigned buttons)
{
    ps2_mouse_move(&k->mouse, dx, dy, dz, buttons);
    i8042_fill(k);
}

static void i8042_reply(struct i8042 *k, uint8_t byte, bool aux)
{
    k->reply = byte;
    k->reply_aux = aux;
    k->has_reply = true;
}

static void i8042_reset_cpu(struct i8042 *k)
{
    k->wires.power.request(k->wires.power.ctx, POWER_RESET_CPU, "reset by the keyboard controller");
}

static void i8042_set_output(struct i8042 *k, uint8_t value)
{
    k->output_port = value & OUTPUT_IDLE;
    irq_line_set(&k->wires.a20, value & I8042_OUTPUT_A20);
    if (!(value & I8042_OUTPUT_RESET))
        i8042_reset_cpu(k);
}

static uint8_t output_value(const struct i8042 *k)
{
    bool full = k->status & I8042_STATUS_OBF, aux = k->status & I8042_STATUS_AUX;
    return 0xcc | k->output_port | (full && !aux ? I8042_OUTPUT_OBF : 0) | (full && aux ? I8042_OUTPUT_AUX_OBF : 0);
}

// Commands that only answer, or only change the command byte.
static const struct {
    bool known, answers;
    uint8_t answer, set, clear;
} simple_commands[256] = {
    [I8042_PASSWORD_TEST] = {.known = true, .answers = true, .answer = 0xf1}, // none installed
    [I8042_AUX_DISABLE] = {.known = true, .set = I8042_CTR_AUX_OFF},
    [I8042_AUX_ENABLE] = {.known = true, .clear = I8042_CTR_AUX_OFF},
    [I8042_AUX_TEST] = {.known = true, .answers = true, .answer = 0},
    [I8042_SELF_TEST] = {.known = true, .answers = true, .answer = I8042_SELF_TEST_OK, .set = I8042_CTR_SYS},
    [I8042_KEYBOARD_TEST] = {.known = true, .answers = true, .answer = 0},
    [I8042_KEYBOARD_DISABLE] = {.known = true, .set = I8042_CTR_KEYBOARD_OFF},
    [I8042_KEYBOARD_ENABLE] = {.known = true, .clear = I8042_CTR_KEYBOARD_OFF},
    [I8042_READ_INPUT] = {.known = true, .answers = true, .answer = 0x80}, // not locked
    [I8042_READ_TEST] = {.known = true, .answers = true, .answer = 0},
};

static void ctr_changed(struct i8042 *k)
{
    k->status = (k->status & ~I8042_STATUS_SYS) | (k->ram[0] & I8042_CTR_SYS ? I8042_STATUS_SYS : 0);
    i8042_update_irq(k);
}

static void write_command(struct i8042 *k, uint8_t command)
{
    k->status |= I8042_STATUS_COMMAND;
    k->command = 0;
    if (simple_commands[command].known) {
        k->ram[0] = (k->ram[0] | simple_commands[command].set) & ~simple_commands[command].clear;
        if (simple_commands[command].answers)
            i8042_reply(k, simple_commands[command].answer, false);
        ctr_changed(k);
    } else if (command >= I8042_PULSE) {
        if (!(command & I8042_OUTPUT_RESET))
            i8042_reset_cpu(k);
    } else if (command == I8042_A20_ON || command == I8042_A20_OFF) {
        i8042_set_output(k, command == I8042_A20_ON ? OUTPUT_IDLE : I8042_OUTPUT_RESET);
    } else if (command == I8042_READ_OUTPUT) {
        i8042_reply(k, output_value(k), false);
    } else if (command >= I8042_READ_RAM && command < I8042_READ_RAM + 32) {
        i8042_reply(k, k->ram[command - I8042_READ_RAM], false);
    } else if ((command >= I8042_WRITE_RAM && command < I8042_WRITE_RAM + 32) ||
               (command >= I8042_WRITE_OUTPUT && command <= I8042_WRITE_AUX)) {
        k->command = command;
    }
    i8042_fill(k);
}

static void write_argument(struct i8042 *k, uint8_t command, uint8_t byte)
{
    switch (command) {
    case I8042_WRITE_OUTPUT:
        i8042_set_output(k, byte);
        break;
    case I8042_KEYBOARD_LOOP:
        i8042_reply(k, byte, false);
        break;
    case I8042_AUX_LOOP:
        i8042_reply(k, byte, true);
        break;
    case I8042_WRITE_AUX:
        ps2_mouse_write(&k->mouse, byte);
        break;
    default:
        k->ram[command - I8042_WRITE_RAM] = byte;
        ctr_changed(k);
    }
}

static void write_data(struct i8042 *k, uint8_t byte)
{
    uint8_t command = k->command;
    k->status &= ~I8042_STATUS_COMMAND;
    k->command = 0;
    if (command) {
        write_argument(k, command, byte);
    } else {
        k->ram[0] &= ~I8042_CTR_KEYBOARD_OFF; // speaking to the keyboard opens its wire
        ps2_keyboard_write(&k->keyboard, byte);
    }
    i8042_fill(k);
}

static uint8_t read_data(struct i8042 *k)
{
    uint8_t byte = k->data;
    if (!(k->status & I8042_STATUS_OBF))
        return byte;
    k->status &= ~STATUS_BUFFER;
    k->ready_at = k->dev.clock->now(k->dev.clock) + k->dev.clock->tsc_hz / BYTES_HZ;
    i8042_update_irq(k);
    i8042_fill(k);
    return byte;
}

static uint64_t i8042_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space, (void)size;
    struct i8042 *k = (struct i8042 *)dev;
    return port == I8042_COMMAND ? k->status : read_data(k);
}

static void i8042_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space, (void)size;
    if (port == I8042_COMMAND)
        write_command((struct i8042 *)dev, (uint8_t)value);
    else
        write_data((struct i8042 *)dev, (uint8_t)value);
}

static void i8042_reset(struct device *dev)
{
    struct i8042 *k = (struct i8042 *)dev;
    ps2_keyboard_reset(&k->keyboard);
    ps2_mouse_reset(&k->mouse);
    for (unsigned i = 1; i < sizeof(k->ram); i++)
        k->ram[i] = 0;
    k->ram[0] = CTR_POWER_ON;
    k->status = I8042_STATUS_SYS | I8042_STATUS_UNLOCKED;
    k->data = k->command = k->reply = 0;
    k->has_reply = k->reply_aux = k->breaking = false;
    k->ready_at = 0;
    timer_set(dev->clock, &k->next, TIMER_NEVER);
    i8042_set_output(k, OUTPUT_IDLE);
    i8042_update_irq(k);
}

static void i8042_state(struct device *dev, struct state *s)
{
    struct i8042 *k = (struct i8042 *)dev;
    uint8_t *bytes[] = {&k->status, &k->data, &k->command, &k->output_port, &k->reply};
    bool *flags[] = {&k->has_reply, &k->reply_aux, &k->breaking};
    ps2_keyboard_state(&k->keyboard, s);
    ps2_mouse_state(&k->mouse, s);
    STATE(s, k->ready_at);
    STATE(s, k->ram);
    STATE_EACH(s, bytes);
    STATE_EACH(s, flags);
}

static bool command_sane(uint8_t command)
{
    return !command || (command >= I8042_WRITE_RAM && command < I8042_WRITE_RAM + 32) ||
           (command >= I8042_WRITE_OUTPUT && command <= I8042_WRITE_AUX);
}

static bool i8042_loaded(struct device *dev)
{
    struct i8042 *k = (struct i8042 *)dev;
    if (!command_sane(k->command))
        return false;
    timer_set(dev->clock, &k->next, TIMER_NEVER);
    i8042_set_output(k, k->output_port | I8042_OUTPUT_RESET);
    i8042_update_irq(k);
    i8042_fill(k);
    return true;
}

static const struct device_ops i8042_ops = {
    .name = "i8042",
    .read = i8042_read,
    .write = i8042_write,
    .reset = i8042_reset,
    .version = 1,
    .state = i8042_state,
    .loaded = i8042_loaded,
    .max_size = 1,
};

void i8042_init(struct i8042 *k, struct clock *clock, struct i8042_wires wires)
{
    *k = (struct i8042){.wires = wires};
    device_init(&k->dev, &i8042_ops, clock);
    device_add_range(&k->dev, IO_PORT, I8042_DATA, 1);
    device_add_range(&k->dev, IO_PORT, I8042_COMMAND, 1);
    timer_register(clock, &k->next, &k->dev, i8042_fire);
    i8042_reset(&k->dev);
}
