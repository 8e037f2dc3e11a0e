// SPDX-License-Identifier: MIT
#include "tests/kernel/vm.h"
#include "lib/c/string.h"

#define PATIENCE_MS 20000 // ms, longest wait for a guest: only a hang takes that long

GUEST(spin, "1: inc %eax\n jmp 1b");
GUEST(halt, "hlt");

struct vm vm;
unsigned vm_cpu;

static _Noreturn void on_exit(uint64_t number, uint64_t mtd)
{
    struct utcb_state *s = &utcb_self()->state;
    unsigned event = vendor_exit(number, s);
    (void)mtd;
    vm.seen[event]++;
    uint64_t reply = vm.answer(event, s);
    if (reply & MTD_STOP) {
        vm.last = *s;
        sm_up(vm.done);
    }
    ipc_return(reply);
}

static struct utcb_seg real_seg(uint16_t sel, uint16_t ar)
{
    return (struct utcb_seg){.sel = sel, .ar = ar, .limit = 0xffff, .base = sel * 16ul};
}

uint64_t start_real(struct utcb_state *s)
{
    memset(s, 0, sizeof *s);
    for (unsigned i = SEG_ES; i <= SEG_GS; i++)
        s->seg[i] = real_seg(0, 0x93);
    s->seg[SEG_CS] = real_seg(GUEST_CS, 0x9b);
    s->seg[SEG_TR] = real_seg(0, 0x8b);
    s->seg[SEG_LDTR] = real_seg(0, 0x82);
    s->seg[SEG_GDTR].limit = s->seg[SEG_IDTR].limit = 0xffff;
    s->gpr[GPR_RSP] = 0x8000;
    s->rflags = 2;
    s->cr0 = CR0_ET;
    s->dr6 = DR6_RESET;
    s->dr7 = DR7_RESET;
    s->pat = 0x0007040600070406;
    s->xcr0 = 1;
    return MTD_ALL;
}

// Portals for all events, bound to the handler of vCPU i.
static void portals_make(unsigned i, uint64_t events)
{
    static uint64_t handlers[2][2];
    uint64_t *ec = &handlers[vm_cpu][i];
    if (!*ec)
        *ec = handler(40 + 2 * vm_cpu + i, vm_cpu);
    for (unsigned e = 0; e < EVENT_COUNT; e++)
        CHECK_EQ(create_pt(events + e, SEL_SELF_PD, *ec, (uint64_t)on_exit, e, MTD_ALL).status, ST_OK);
}

bool no_vms(void)
{
    if (!HIP->virt)
        skip("no hardware virtualisation");
    return !HIP->virt;
}

void vm_start(const char *code, const char *end, uint64_t (*answer)(unsigned, struct utcb_state *), unsigned count,
              unsigned prio)
{
    static uint64_t phys;
    if (!phys) {
        phys = phys_take(GUEST_RAM / PAGE_SIZE, GUEST_RAM);
        map_self(GUEST_VIEW, phys, GUEST_RAM / PAGE_SIZE, MAP_R | MAP_W);
    }
    vm = (struct vm){.phys = phys, .view = GUEST_VIEW, .answer = answer, .done = sels(1)};
    memset((void *)GUEST_VIEW, 0, 0x100000);
    memcpy((void *)(GUEST_VIEW + GUEST_CODE), code, end - code);
    CHECK_EQ(create_sm(vm.done, SEL_SELF_PD, 0).status, ST_OK);
    CHECK_EQ(
        ctrl_pd(PD_MAP_GST, SEL_SELF_PD, 0, SEL_HW, phys, pd_arg(GUEST_RAM / PAGE_SIZE, MAP_R | MAP_W | MAP_X)).status,
        ST_OK);
    for (unsigned i = 0; i < count; i++) {
        uint64_t events = sels(EVENT_COUNT), pages = VCPU_PAGES + i * 2 * PAGE_SIZE;
        vm.ec[i] = sels(1);
        vm.sc[i] = sels(1);
        vm.events = i ? vm.events : events;
        portals_make(i, events);
        CHECK_EQ(create_ec(vm.ec[i], SEL_SELF_PD, EC_VCPU | vm_cpu << 8, pages, 0, events).status, ST_OK);
        CHECK_EQ(create_sc(vm.sc[i], SEL_SELF_PD, vm.ec[i], prio, HIP->tsc_hz / 1000).status, ST_OK);
    }
    vm.stats = (const struct vcpu_stats *)(VCPU_PAGES + PAGE_SIZE);
}

void vm_end(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        drop(vm.sc[i], 1);
        drop(vm.ec[i], 1);
    }
    uint64_t done = 0;
    struct hc_result r;
    do {
        r = ctrl_pd(PD_UNMAP_GST, SEL_SELF_PD, done * PAGE_SIZE, 0, 0, pd_arg(GUEST_RAM / PAGE_SIZE - done, 0));
        done += r.value;
    } while (r.status == ST_AGAIN);
    CHECK_EQ(r.status, ST_OK);
}

bool vm_wait(void)
{
    enum status st = sm_down(vm.done, after_ms(PATIENCE_MS));
    CHECK_EQ(st, ST_OK);
    for (unsigned e = 0; st != ST_OK && e < EVENT_COUNT; e++)
        if (vm.seen[e] || vm.stats->exits[e])
            say("ktest: event %u: %u seen, %lu counted", e, vm.seen[e], vm.stats->exits[e]);
    return st == ST_OK;
}

uint64_t skip_insn(struct utcb_state *s)
{
    s->rip += s->insn_len;
    return MTD_RIP;
}

void on_the_other_cpu(void (*run)(void))
{
    if (HIP->cpus < 2) {
        skip("one CPU");
        return;
    }
    vm_cpu = 1;
    run();
    vm_cpu = 0;
}
