// SPDX-License-Identifier: MIT
// Channels: two shared pages and the semaphores of both sides. Root keeps who holds what, so that a process's end
// leaves nothing.
#include "lib/c/string.h"
#include "lib/sys/channel.h"
#include "user/root/root.h"

#define CHANNEL_PAGES 2

struct link_end {
    struct process *process;
    uint64_t va, sel; // selectors: my semaphore, the peer's
    bool open;        // mapped there
    bool holds;       // closed, but its guest may still see the pages
};

enum { ACCEPTOR, CONNECTOR };

static struct link {
    bool used, accepted;
    enum channel_kind kind;
    struct run pages;
    struct link_end end[2];
} links[MAX_LINKS];

static struct channel_ring *rings(const struct link *l)
{
    return ram(l->pages.phys);
}

static void mark_closed(const struct link *l)
{
    for (unsigned i = 0; i < CHANNEL_PAGES; i++)
        __atomic_store_n(&rings(l)[i].closed, 1, __ATOMIC_SEQ_CST);
}

static void settle(struct link *l)
{
    for (unsigned i = 0; i < 2; i++)
        if (l->end[i].open || l->end[i].holds)
            return;
    struct process *payer = l->end[CONNECTOR].process;
    if (payer)
        payer->channel_count--;
    books_give(&root.books, l->pages);
    sm_up(SEL_ZERO_SM);
    l->used = false;
}

// What one side has of the channel goes: mapping, selectors, and the other side's right to wake it.
static void end_close(struct link *l, unsigned which)
{
    struct link_end *e = &l->end[which], *peer = &l->end[!which];
    struct process *p = e->process;
    if (!e->open)
        return;
    e->open = false;
    e->holds = p->kind == KIND_VMM;
    mark_closed(l);
    kernel_unmap(PD_UNMAP_MEM, slot_sel(p, SLOT_PD), e->va, CHANNEL_PAGES);
    kernel_unmap(PD_UNMAP_OBJ, slot_sel(p, SLOT_PD), e->sel, 2);
    struct region *r = region_find(p, e->va);
    if (r)
        region_delete(p, r);
    if (peer->open) {
        sm_up(slot_sel(peer->process, SLOT_SM));
        kernel_unmap(PD_UNMAP_OBJ, slot_sel(peer->process, SLOT_PD), peer->sel + 1, 1);
    }
}

static bool end_open(struct link *l, unsigned which, struct process *p, const struct process *peer, uint64_t va,
                     uint64_t sel)
{
    uint64_t pd = slot_sel(p, SLOT_PD), done = 0;
    struct region *r = region_new(p, REGION_SHARED, va, CHANNEL_PAGES);
    if (!r)
        return false;
    if (kernel_map(PD_MAP_MEM, pd, va, SEL_HW, l->pages.phys, CHANNEL_PAGES, MAP_R | MAP_W, &done) == ST_OK) {
        if (kernel_copy_cap(pd, sel, SEL_SELF_PD, slot_sel(p, SLOT_SM), SM_UP | SM_DOWN) == ST_OK) {
            if (kernel_copy_cap(pd, sel + 1, SEL_SELF_PD, slot_sel(peer, SLOT_SM), SM_UP) == ST_OK) {
                l->end[which] = (struct link_end){.process = p, .va = va, .sel = sel, .open = true};
                return true;
            }
            kernel_unmap(PD_UNMAP_OBJ, pd, sel, 1);
        }
    }
    kernel_unmap(PD_UNMAP_MEM, pd, va, done);
    region_delete(p, r);
    return false;
}

static bool place_ok(const struct process *p, uint64_t va, uint64_t sel)
{
    return memory_range_free(p, va, CHANNEL_PAGES * PAGE_SIZE) && sel >= SEL_USER_FREE && sel < CAP_SELECTORS - 1;
}

static struct process *acceptor_find(const struct process *caller, uint64_t kind, uint64_t vm_id, enum root_error *e)
{
    *e = ROOT_NOT_FOUND;
    if (kind == CHANNEL_MONITOR) {
        struct process *vm = caller->kind == KIND_SHELL ? vm_find(vm_id) : NULL;
        *e = caller->kind == KIND_SHELL ? ROOT_NOT_FOUND : ROOT_DENIED;
        return vm && vm->state == PROCESS_RUNNING ? vm : NULL;
    }
    bool to_console = kind == CHANNEL_TERMINAL || kind == CHANNEL_SCREEN;
    for (struct process *p = root.processes; to_console && p < root.processes + MAX_PROCESSES; p++)
        if (p->state == PROCESS_RUNNING && p->kind == KIND_CONSOLE && p != caller)
            return p;
    return NULL;
}

static struct link *link_new(void)
{
    struct link *l = links;
    while (l < links + MAX_LINKS && l->used)
        l++;
    if (l == links + MAX_LINKS)
        return NULL;
    struct run pages = books_take_small(&root.books, CHANNEL_PAGES);
    if (pages.pages == 1) { // the last free page of its block
        struct run single = pages;
        pages = books_take_exact(&root.books, CHANNEL_PAGES, 1, UINT64_MAX);
        books_give(&root.books, single);
    }
    if (pages.pages < CHANNEL_PAGES)
        return NULL;
    books_clean(&root.books, pages, UINT64_MAX);
    *l = (struct link){.used = true, .pages = pages};
    return l;
}

enum root_error serve_channel_connect(struct process *p, uint64_t *w, unsigned *answer)
{
    enum root_error e;
    *answer = 1;
    struct process *to = acceptor_find(p, w[1], w[4], &e);
    if (!to)
        return e;
    if (!place_ok(p, w[2], w[3]))
        return ROOT_BAD;
    if (p->channel_count >= MAX_CHANNELS)
        return ROOT_LIMIT;
    struct link *l = link_new();
    if (!l)
        return ROOT_NO_MEMORY;
    l->kind = w[1];
    l->end[ACCEPTOR] = (struct link_end){.process = to};
    if (!end_open(l, CONNECTOR, p, to, w[2], w[3])) {
        settle(l);
        return ROOT_KERNEL;
    }
    p->channel_count++;
    process_notify(to);
    return ROOT_OK;
}

enum root_error serve_channel_accept(struct process *p, uint64_t *w, unsigned *answer)
{
    *answer = 1;
    for (struct link *l = links; l < links + MAX_LINKS; l++) {
        if (!l->used || l->accepted || l->end[ACCEPTOR].process != p)
            continue;
        const struct process *peer = l->end[CONNECTOR].process;
        if (!place_ok(p, w[1], w[2]))
            return ROOT_BAD;
        if (!end_open(l, ACCEPTOR, p, peer, w[1], w[2]))
            return ROOT_KERNEL;
        l->accepted = true;
        w[1] = l->kind;
        w[2] = peer->id;
        w[3] = peer->vm_id;
        memset(&w[4], 0, NAME_MAX_LEN);
        memcpy(&w[4], peer->name, sizeof peer->name);
        *answer = 4 + NAME_MAX_LEN / 8;
        return ROOT_OK;
    }
    return ROOT_NOT_FOUND;
}

enum root_error serve_channel_close(struct process *p, uint64_t *w, unsigned *answer)
{
    *answer = 1;
    for (struct link *l = links; l < links + MAX_LINKS; l++)
        for (unsigned i = 0; l->used && i < 2; i++)
            if (l->end[i].process == p && l->end[i].open && l->end[i].va == w[1]) {
                end_close(l, i);
                if (!l->accepted) // the acceptor never learns of it
                    l->end[ACCEPTOR].process = NULL;
                settle(l);
                return ROOT_OK;
            }
    return ROOT_NOT_FOUND;
}

void channels_end(struct process *p)
{
    for (struct link *l = links; l < links + MAX_LINKS; l++)
        for (unsigned i = 0; l->used && i < 2; i++) {
            if (l->end[i].process != p)
                continue;
            end_close(l, i);
            if (i == ACCEPTOR && !l->accepted && l->end[CONNECTOR].open) { // nobody will ever accept it
                mark_closed(l);
                sm_up(slot_sel(l->end[CONNECTOR].process, SLOT_SM));
                kernel_unmap(PD_UNMAP_OBJ, slot_sel(l->end[CONNECTOR].process, SLOT_PD), l->end[CONNECTOR].sel + 1, 1);
            }
        }
}

void channels_release(struct process *p)
{
    for (struct link *l = links; l < links + MAX_LINKS; l++) {
        bool mine = false;
        for (unsigned i = 0; l->used && i < 2; i++)
            if (l->end[i].process == p) {
                l->end[i] = (struct link_end){0};
                mine = true;
            }
        if (mine)
            settle(l);
    }
}
