// SPDX-License-Identifier: MIT
// Hypercalls as root uses them.
#include "lib/sys/clock.h"
#include "lib/sys/thread.h"
#include "user/root/root.h"

// By how much an address grows with each unit of the count: capabilities and ports are numbered.
static uint64_t unit_of(enum pd_op op)
{
    return op == PD_COPY || op == PD_UNMAP_OBJ || op == PD_MAP_PIO || op == PD_UNMAP_PIO ? 1 : PAGE_SIZE;
}

enum status kernel_map(enum pd_op op, uint64_t dst, uint64_t to, uint64_t src, uint64_t from, uint64_t count,
                       uint64_t rights, uint64_t *done)
{
    struct hc_result r;
    uint64_t n = 0;
    do {
        uint64_t offset = n * unit_of(op);
        r = ctrl_pd(op, dst, to + offset, src, from + offset, pd_arg(count - n, rights));
        n += r.value;
    } while (r.status == ST_AGAIN);
    if (done)
        *done = n;
    return r.status;
}

void kernel_unmap(enum pd_op op, uint64_t pd, uint64_t base, uint64_t count)
{
    struct hc_result r;
    uint64_t n = 0;
    do {
        r = ctrl_pd(op, pd, base + n * unit_of(op), 0, 0, pd_arg(count - n, 0));
        n += r.value;
    } while (r.status == ST_AGAIN);
}

enum status kernel_copy_cap(uint64_t dst_pd, uint64_t dst, uint64_t src_pd, uint64_t src, uint64_t perms)
{
    return kernel_map(PD_COPY, dst_pd, dst, src_pd, src, 1, perms, NULL);
}

struct thread *kernel_thread_stack(unsigned n, uint64_t cpu)
{
    uint64_t top = THREAD_STACKS + (n + 1) * STACK_WINDOW;
    for (uint64_t at = top - THREAD_MAPPED; at < top; at += PAGE_SIZE) {
        struct run page = books_take_small(&root.books, 1);
        if (!page.pages)
            return NULL;
        books_clean(&root.books, page, 1);
        if (kernel_map(PD_MAP_MEM, SEL_SELF_PD, at, SEL_HW, page.phys, 1, MAP_R | MAP_W, NULL) != ST_OK)
            return NULL;
    }
    return thread_prepare((void *)top, (void *)(THREAD_UTCBS + n * PAGE_SIZE), cpu);
}

uint64_t now_us(void)
{
    return clock_us(clock_tsc() - root.hip->tsc_boot, root.hip->tsc_hz);
}

uint64_t deadline_us(uint64_t us)
{
    return clock_tsc() + clock_ticks(us, root.hip->tsc_hz);
}
