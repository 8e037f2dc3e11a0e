// SPDX-License-Identifier: MIT
// Segment descriptors: from memory to struct utcb_seg, and which register takes which (SDM 3A 3.4.5, 5.5, table 8-1).
#pragma once

#include <stdbool.h>

#include "abi/utcb.h"

// Bits of utcb_seg.ar.
enum segment_rights {
    AR_ACCESSED = 1 << 0,
    AR_WRITABLE = 1 << 1,    // of data; of code: readable
    AR_EXPAND_DOWN = 1 << 2, // of data
    AR_CONFORMING = 1 << 2,  // of code
    AR_CODE = 1 << 3,
    AR_SEGMENT = 1 << 4, // clear: a system segment or a gate
    AR_DPL_SHIFT = 5,
    AR_PRESENT = 1 << 7,
    AR_L = 1 << 9,
    AR_D = 1 << 10,
    AR_UNUSABLE = 1 << 12,
    AR_V86 = 0xf3,
};

enum { SEL_RPL = 3, SEL_TI = 4 };

static inline struct utcb_seg segment_of(uint16_t selector, uint64_t d)
{
    uint32_t limit = (uint32_t)((d & 0xffff) | (d >> 32 & 0xf0000));
    return (struct utcb_seg){.sel = selector,
                             .ar = (uint16_t)((d >> 40 & 0xff) | (d >> 44 & 0xf00)),
                             .limit = d >> 55 & 1 ? limit << 12 | 0xfff : limit,
                             .base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000)};
}

// Where the descriptor of a selector lies; false: in no table.
static inline bool descriptor_find(const struct utcb_state *s, uint16_t selector, uint64_t *at)
{
    const struct utcb_seg *table = &s->seg[selector & SEL_TI ? SEG_LDTR : SEG_GDTR];
    *at = table->base + (selector & ~7u);
    return !(selector & SEL_TI && table->ar & AR_UNUSABLE) && (selector | 7u) <= table->limit;
}

// What a segment register but CS takes.
static inline bool segment_fits(const struct utcb_seg *seg, unsigned which, unsigned cpl)
{
    unsigned rpl = seg->sel & SEL_RPL, dpl = seg->ar >> AR_DPL_SHIFT & 3;
    bool code = seg->ar & AR_CODE, conforming = code && seg->ar & AR_CONFORMING;
    if (!(seg->ar & AR_SEGMENT) || ((code || which == SEG_SS) && !(seg->ar & AR_WRITABLE))) {
        return false;
    }
    if (which == SEG_SS) {
        return !code && rpl == cpl && dpl == cpl;
    }
    return conforming || (dpl >= cpl && dpl >= rpl);
}
