// SPDX-License-Identifier: MIT
// sources: vmm-user/devices/uart16550.c
#include "tests/unit/cmocka_all.h"
#include "pc/uart16550.h"
#include "tests/unit/fake_machine.h"
#include "vmm-user/devices/uart16550.h"

#define BASE 0x3f8

static struct fake f;
static struct uart uart;
static unsigned drained;

static uint8_t get(unsigned reg)
{
    return in8(&uart, (uint16_t)(BASE + reg));
}

static void set(unsigned reg, uint8_t value)
{
    out8(&uart, (uint16_t)(BASE + reg), value);
}

static void count_drained(void *ctx)
{
    (void)ctx;
    drained++;
}

static int setup(void **state)
{
    (void)state;
    fake_init(&f);
    uart_init(&uart, &f.clock, BASE, fake_line(&f, 4), fake_console(&f));
    uart.drained = count_drained;
    drained = 0;
    return 0;
}

// 115200 8N1, FIFOs with a trigger level of 8, interrupts to the bus: as Linux opens it.
static void open_port(uint8_t ier)
{
    set(UART_LCR, UART_LCR_DLAB | UART_LCR_8N1);
    set(UART_DLL, 1);
    set(UART_DLM, 0);
    set(UART_LCR, UART_LCR_8N1);
    set(UART_FCR, 0x81);
    set(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
    set(UART_IER, ier);
}

static void test_linux_probe(void **state) // autoconfig in drivers/tty/serial/8250
{
    (void)state;
    set(UART_IER, 0);
    assert_int_equal(get(UART_IER), 0);
    set(UART_IER, 0x0f);
    assert_int_equal(get(UART_IER), 0x0f);
    set(UART_IER, 0xff);
    assert_int_equal(get(UART_IER), 0x0f);
    set(UART_IER, 0);
    set(UART_MCR, UART_MCR_LOOP | 0x0a);
    assert_int_equal(get(UART_MSR) & 0xf0, 0x90);
    set(UART_MCR, 0);
    set(UART_SCR, 0x5a);
    assert_int_equal(get(UART_SCR), 0x5a);
    set(UART_FCR, UART_FCR_ENABLE);
    assert_int_equal(get(UART_IIR) >> 6, 3); // 16550A
    set(UART_FCR, 0x21 | UART_FCR_CLEAR_RX | UART_FCR_CLEAR_TX);
    assert_int_equal(get(UART_IIR) & 0x20, 0); // no 64 bytes
    set(UART_LCR, UART_LCR_DLAB);
    set(UART_DLL, 0x34);
    set(UART_DLM, 0x12);
    assert_int_equal(get(UART_DLL), 0x34);
    assert_int_equal(get(UART_DLM), 0x12);
    set(UART_LCR, UART_LCR_8N1);
    assert_int_equal(get(UART_IER), 0);
}

static void test_linux_thre_tests(void **state) // it looks for UARTs that raise THRE only once, or not when enabled
{
    (void)state;
    open_port(0);
    set(UART_IER, UART_IER_ETBEI);
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_THRE);
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_NONE); // reading it acknowledged it
    set(UART_IER, 0);
    set(UART_IER, UART_IER_ETBEI);
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_THRE);
    assert_int_equal(get(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
}

static void test_polled_output(void **state)
{
    (void)state;
    for (const char *p = "Hello"; *p; p++) {
        assert_true(get(UART_LSR) & UART_LSR_THRE);
        set(UART_THR, (uint8_t)*p);
    }
    assert_string_equal(f.out, "Hello");
    assert_int_equal(f.wires[4].rises, 0);
}

static void test_interrupt_output(void **state)
{
    (void)state;
    open_port(UART_IER_ETBEI);
    assert_true(f.wires[4].level);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_THRE);
        assert_false(f.wires[4].level);
        set(UART_THR, 'x'); // empties at once: a new edge
        assert_true(f.wires[4].level);
    }
    set(UART_IER, 0);
    assert_false(f.wires[4].level);
    assert_string_equal(f.out, "xxx");
}

static void test_out2_gates(void **state)
{
    (void)state;
    open_port(UART_IER_ETBEI);
    set(UART_MCR, 0);
    assert_false(f.wires[4].level);
    set(UART_MCR, UART_MCR_OUT2);
    assert_true(f.wires[4].level);
}

static void test_receive_trigger(void **state)
{
    (void)state;
    open_port(UART_IER_ERBFI);
    for (unsigned i = 0; i < 7; i++)
        uart_receive(&uart, (uint8_t)('a' + i));
    assert_false(f.wires[4].level);
    uart_receive(&uart, 'h');
    assert_true(f.wires[4].level);
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_RDA);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(get(UART_LSR) & UART_LSR_DR);
        assert_int_equal(get(UART_RBR), 'a' + i);
        assert_int_equal(f.wires[4].level, 0);
    }
    assert_false(get(UART_LSR) & UART_LSR_DR);
    assert_int_equal(drained, 2); // when the FIFO was switched on, and now
}

static void test_receive_timeout(void **state)
{
    (void)state;
    open_port(UART_IER_ERBFI);
    uart_receive(&uart, 'a');
    fake_run(&f, 300 * FAKE_US);
    assert_false(f.wires[4].level);
    fake_run(&f, 100 * FAKE_US); // four characters at 115200: 347 us
    assert_true(f.wires[4].level);
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_TIMEOUT);
    assert_int_equal(get(UART_RBR), 'a');
    assert_false(f.wires[4].level);
    fake_run(&f, FAKE_S);
    assert_false(f.wires[4].level);
}

static void test_receive_without_fifo(void **state)
{
    (void)state;
    set(UART_MCR, UART_MCR_OUT2);
    set(UART_IER, UART_IER_ERBFI | UART_IER_ELSI);
    assert_true(uart_can_receive(&uart));
    uart_receive(&uart, 'a');
    assert_false(uart_can_receive(&uart));
    assert_int_equal(get(UART_IIR), UART_IIR_RDA);
    uart_receive(&uart, 'b'); // overrun: the newer byte stays
    assert_int_equal(get(UART_IIR), UART_IIR_RLS);
    assert_true(get(UART_LSR) & UART_LSR_OE);
    assert_false(get(UART_LSR) & UART_LSR_OE);
    assert_int_equal(get(UART_IIR), UART_IIR_RDA);
    assert_int_equal(get(UART_RBR), 'b');
    assert_int_equal(get(UART_IIR), UART_IIR_NONE);
}

static void test_fifo_overrun(void **state)
{
    (void)state;
    open_port(0);
    for (unsigned i = 0; i < 16; i++) {
        assert_true(uart_can_receive(&uart));
        uart_receive(&uart, (uint8_t)i);
    }
    assert_false(uart_can_receive(&uart));
    uart_receive(&uart, 99);
    assert_true(get(UART_LSR) & UART_LSR_OE);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(get(UART_RBR), i);
    set(UART_FCR, 0x81 | UART_FCR_CLEAR_RX);
    assert_false(get(UART_LSR) & UART_LSR_DR);
}

static void test_priorities(void **state)
{
    (void)state;
    open_port(0x0f);
    set(UART_FCR, 0x01); // trigger level 1
    for (unsigned i = 0; i < 17; i++)
        uart_receive(&uart, 'x');
    set(UART_MCR, UART_MCR_OUT2 | UART_MCR_LOOP);
    set(UART_MCR, UART_MCR_OUT2); // modem lines moved
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_RLS);
    get(UART_LSR);
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_RDA);
    for (unsigned i = 0; i < 16; i++)
        get(UART_RBR);
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_THRE);
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_MSR);
    assert_true(get(UART_MSR) & 0x0f);
    assert_int_equal(get(UART_IIR) & 0x0f, UART_IIR_NONE);
    assert_false(f.wires[4].level);
}

static void test_loopback(void **state)
{
    (void)state;
    open_port(0);
    set(UART_MCR, UART_MCR_LOOP);
    set(UART_THR, 0xa5);
    assert_int_equal(f.out_count, 0);
    assert_true(get(UART_LSR) & UART_LSR_DR);
    assert_int_equal(get(UART_RBR), 0xa5);
    set(UART_IER, UART_IER_ERBFI); // interrupts are fully operational
    set(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
    set(UART_THR, 0x5a);
    fake_run(&f, FAKE_MS);
    assert_true(f.wires[4].level);
    assert_int_equal(get(UART_RBR), 0x5a);
    assert_false(f.wires[4].level);
    uart_receive(&uart, 'x'); // the outside is cut off
    assert_false(get(UART_LSR) & UART_LSR_DR);
    assert_false(uart_can_receive(&uart));
}

static void test_state(void **state)
{
    (void)state;
    open_port(UART_IER_ERBFI);
    uart_receive(&uart, 'a');
    uart_receive(&uart, 'b');
    assert_true(fake_save_load(&uart));
    fake_run(&f, FAKE_MS);
    assert_true(f.wires[4].level);
    assert_int_equal(get(UART_RBR), 'a');
    assert_int_equal(get(UART_RBR), 'b');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_linux_probe, setup),     cmocka_unit_test_setup(test_linux_thre_tests, setup),
        cmocka_unit_test_setup(test_polled_output, setup),   cmocka_unit_test_setup(test_interrupt_output, setup),
        cmocka_unit_test_setup(test_out2_gates, setup),      cmocka_unit_test_setup(test_receive_trigger, setup),
        cmocka_unit_test_setup(test_receive_timeout, setup), cmocka_unit_test_setup(test_receive_without_fifo, setup),
        cmocka_unit_test_setup(test_fifo_overrun, setup),    cmocka_unit_test_setup(test_priorities, setup),
        cmocka_unit_test_setup(test_loopback, setup),        cmocka_unit_test_setup(test_state, setup),
    };
    return cmocka_run_group_tests_name("uart16550", tests, NULL, NULL);
}
