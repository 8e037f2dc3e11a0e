// SPDX-License-Identifier: MIT
// The one primitive. A call switches straight to the portal's EC on the caller's SC; a reply switches straight back.
// Exceptions and VM exits are the same call, made by the kernel on behalf of the EC that caused them: the message is
// its state.
#include "ukernel/cpu.h"
#include "ukernel/sched.h"
#include "ukernel/virt.h"

#define unlikely(x) __builtin_expect(!!(x), 0)

// --- messages --------------------------------------------------------------------------------------------------------

static inline void copy_words(union utcb *to, const union utcb *from, uint64_t words)
{
    uint64_t *d = to->words;
    const uint64_t *s = from->words;
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
}

static _Noreturn void call_retry(struct ec *ec)
{
    struct result r = sys_ipc_call(ec->retry[0], ec->retry[1]);
    ec->regs.rax = r.status;
    ec->regs.rsi = r.value;
    ret_user_hypercall(ec);
}

static __attribute__((noinline, cold)) struct result call_busy(struct ec *self, struct ec *callee, uint64_t portal,
                                                               uint64_t words)
{
    if (callee->cpu != self->cpu)
        return (struct result){ST_BAD_CPU, 0};
    if (callee->stopped)
        return (struct result){ST_ABORTED, 0};
    struct ec *ec = callee;
    for (unsigned calls = 0; ec; ec = ec->partner ? ec->partner : ec->helping)
        if (ec == self || ++calls == CALLS_MAX)
            return (struct result){ST_ABORTED,
                                   0}; // it waits for us: nobody could ever go on; or too long to be followed
    self->retry[0] = portal;
    self->retry[1] = words;
    ec_help(self, callee, call_retry);
}

struct result sys_ipc_call(uint64_t portal, uint64_t words)
{
    struct cpu *cpu = this_cpu();
    struct ec *self = cpu->current;
    struct pt *pt = cap_lookup(self->pd, portal, KOBJ_PT, PT_CALL);
    if (unlikely(!pt))
        return (struct result){ST_BAD_CAP, 0};
    if (unlikely(words > UTCB_WORDS))
        return (struct result){ST_BAD_PAR, 0};
    struct ec *callee = pt->ec;
    if (unlikely(callee->caller != NULL || callee->cpu != cpu->id))
        return call_busy(self, callee, portal, words);
    callee->caller = self;
    self->partner = callee;
    self->cont = ret_user_hypercall;
    copy_words(callee->utcb, self->utcb, words);
    cpu->current = callee;
    space_switch(cpu, callee->pd);
    enter_portal(pt->id, words, pt->ip, callee->entry_sp);
}

// --- exceptions and exits --------------------------------------------------------------------------------------------

static void exception_save(const struct ec *ec, struct utcb_state *s)
{
    const struct regs *r = &ec->regs;
    const uint64_t gpr[GPR_COUNT] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                                     r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};
    for (unsigned i = 0; i < GPR_COUNT; i++)
        s->gpr[i] = gpr[i];
    s->rip = r->rip;
    s->rflags = r->rflags;
    s->qual[0] = r->error;
    s->qual[1] = ec->cr2;
}

static void exception_load(struct ec *ec, const struct utcb_state *s, uint64_t mtd)
{
    struct regs *r = &ec->regs;
    if (mtd & MTD_GPR) {
        uint64_t *const gpr[GPR_COUNT] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
                                          &r->r8,  &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15};
        for (unsigned i = 0; i < GPR_COUNT; i++)
            *gpr[i] = s->gpr[i];
    }
    if (mtd & MTD_RIP)
        r->rip = s->rip < USER_END ? s->rip : 0;
    if (mtd & MTD_RFLAGS)
        r->rflags = (s->rflags &
                     (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_DF | RFLAGS_OF)) |
                    RFLAGS_ONE | RFLAGS_IF;
}

static _Noreturn void event_retry(struct ec *ec)
{
    if (ec->type == EC_VCPU)
        ec->cont = vcpu_resume; // ec_help changed it
    ec_event(ec, ec->retry[0]);
}

// Nobody takes the event: the EC stops here, and its SC with it. In a PD that is being destroyed that is no news.
static _Noreturn __attribute__((cold)) void event_lost(struct ec *ec, unsigned event)
{
    if (!ec->pd->dying)
        klog("cpu%u: EC without a handler for %s %u at rip %#lx stopped", ec->cpu,
             ec->type == EC_VCPU ? "exit" : "exception", event, ec->type == EC_VCPU ? 0 : ec->regs.rip);
    ec->stopped = true;
    schedule();
}

_Noreturn void ec_event(struct ec *ec, unsigned event)
{
    struct cpu *cpu = this_cpu();
    struct pt *pt = cap_lookup(ec->pd, ec->event_base + event, KOBJ_PT, PT_CALL);
    if (unlikely(!pt))
        event_lost(ec, event);
    struct ec *handler = pt->ec;
    if (unlikely(handler->caller != NULL || handler->cpu != cpu->id)) {
        if (handler->stopped || handler->cpu != cpu->id)
            event_lost(ec, event);
        ec->retry[0] = event;
        ec_help(ec, handler, event_retry);
    }
    handler->caller = ec;
    ec->partner = handler;
    if (ec->type == EC_VCPU) {
        virt->state_save(ec, &handler->utcb->state, pt->mtd);
    } else {
        ec->cont = ret_user_iret;
        exception_save(ec, &handler->utcb->state);
    }
    cpu->current = handler;
    space_switch(cpu, handler->pd);
    enter_portal(pt->id, pt->mtd, pt->ip, handler->entry_sp);
}

// --- replies ---------------------------------------------------------------------------------------------------------

static __attribute__((noinline, cold)) void reply_rare(struct ec *self, struct ec *caller, uint64_t mtd)
{
    if (caller != EC_NOBODY && caller->cont == ret_user_iret)
        exception_load(caller, &self->utcb->state, mtd);
    bool stop = caller != EC_NOBODY && (mtd & MTD_STOP) && caller->cont != ret_user_hypercall;
    if (stop)
        caller->stopped = true; // schedule() finds out whose SC that leaves without work: this one may be a helper's
    if (stop || !list_empty(&self->helpers) || caller == EC_NOBODY)
        schedule();
}

struct result sys_ipc_reply(uint64_t mtd)
{
    struct cpu *cpu = this_cpu();
    struct ec *self = cpu->current;
    struct ec *caller = self->caller;
    if (unlikely(!caller))
        return (struct result){ST_BAD_CAP, 0}; // a thread: it serves nobody
    self->caller = NULL;
    caller->partner = NULL;
    if (caller->type == EC_VCPU) {
        virt->state_load(caller, &self->utcb->state, mtd);
    } else if (caller->cont == ret_user_hypercall) {
        uint64_t words = mtd <= UTCB_WORDS ? mtd : UTCB_WORDS;
        copy_words(caller->utcb, self->utcb, words);
        caller->regs.rax = ST_OK;
        caller->regs.rsi = words;
    }
    if (unlikely(!list_empty(&self->helpers) || (mtd & MTD_STOP) || caller == EC_NOBODY ||
                 caller->cont == ret_user_iret))
        reply_rare(self, caller, mtd);
    cpu->current = caller;
    space_switch(cpu, caller->pd);
    caller->cont(caller);
}

// `self` wants to call `busy`, which serves somebody else: it lends its SC until that is done, then calls again.
_Noreturn void ec_help(struct ec *self, struct ec *busy, continuation retry)
{
    self->cont = retry;
    self->helping = busy;
    list_push_back(&busy->helpers, &self->help_node);
    struct ec *target = sched_target(self);
    if (!target)
        target = chain_cut(self);
    if (target->blocked || target->stopped) {
        sched_block(target);
        schedule();
    }
    ec_run(target);
}
