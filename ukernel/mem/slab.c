// SPDX-License-Identifier: MIT
// Small kernel objects, from pages that their payer's account paid for.
#include "ukernel/kobject.h"
#include "ukernel/cpu.h"

#define SLAB_MIN 64

struct slab_page {
    struct list node; // in slab->partial; in no list when full
    void *free;       // linked through the objects' first word
    uint16_t used, class;
};
_Static_assert(sizeof(struct slab_page) <= SLAB_MIN, "header takes the place of one small object");

void slab_init(struct slab *s)
{
    for (unsigned i = 0; i < SLAB_CLASSES; i++)
        list_init(&s->partial[i]);
}

static unsigned slab_class(size_t size)
{
    unsigned class = 0;
    while ((size_t)SLAB_MIN << class < size)
        class ++;
    ASSERT(class < SLAB_CLASSES);
    return class;
}

static struct slab_page *slab_grow(struct pd *payer, unsigned class)
{
    struct slab_page *page = account_alloc(&payer->account, 0);
    if (!page)
        return NULL;
    size_t step = (size_t)SLAB_MIN << class;
    for (size_t at = step; at + step <= PAGE_SIZE; at += step) {
        void **object = (void **)((char *)page + at);
        *object = page->free;
        page->free = object;
    }
    page->class = class;
    list_push_back(&payer->slab.partial[class], &page->node);
    return page;
}

// Callers hold payer->lock.
void *slab_alloc(struct pd *payer, size_t size)
{
    unsigned class = slab_class(size);
    struct list *partial = &payer->slab.partial[class];
    struct slab_page *page =
        list_empty(partial) ? slab_grow(payer, class) : list_entry(partial->next, struct slab_page, node);
    if (!page)
        return NULL;
    uint64_t *object = page->free;
    page->free = *(void **)object;
    page->used++;
    if (!page->free)
        list_remove(&page->node);
    for (size_t i = 0; i < ((size_t)SLAB_MIN << class) / 8; i++)
        object[i] = 0;
    return object;
}

void slab_free(struct pd *payer, void *object, size_t size)
{
    struct slab_page *page = (struct slab_page *)((uintptr_t)object & ~(PAGE_SIZE - 1));
    ASSERT(page->class == slab_class(size) && page->used);
    if (!page->free)
        list_push_back(&payer->slab.partial[page->class], &page->node);
    *(void **)object = page->free;
    page->free = object;
    if (--page->used == 0) {
        list_remove(&page->node);
        account_free(&payer->account, page, 0);
    }
}
