// SPDX-License-Identifier: MIT
// Vector and x87 instructions with an operand in memory (SDM vol. 2D, tables ff.): moves,
// logic, and arithmetic of integers. None of them raises a floating-point exception at once; those that do are not
// here.
#include "vmm-user/insn/vector_forms.h"

#include <stddef.h>

enum { NP = 1, P66 = 2, F3 = 4, F2 = 8 };                   // bit per enum vector_prefix
enum { FULL = 32, HALF, QUARTER, EIGHTH, GPR, COUNT, DUP }; // sizes that depend on prefixes; others are bytes

enum {
    M = 1 << 8,     // MMX without a prefix
    V = 1 << 9,     // has a VEX form
    X = 1 << 10,    // has no other
    N = 1 << 11,    // VEX.vvvv is an operand
    U = 1 << 12,    // need not be aligned
    L0 = 1 << 13,   // VEX.L is 0
    L1 = 1 << 14,   // is 1
    W0 = 1 << 15,   // VEX.W is 0
    I = 1 << 16,    // integers: 256 bits of them are AVX2
    AVX2 = 1 << 17, // in any size
};
#define W VECTOR_WRITE
#define A VECTOR_ALIGNED
#define S VECTOR_SSE4
#define B VECTOR_IMM8

// clang-format off
static const struct form {
    uint8_t map, first, last, prefixes, size;
    uint32_t flags;
} forms[] = {
    {1, 0x10, 0x10, NP | P66, FULL, U | V},        {1, 0x10, 0x10, F3, 4, V},
    {1, 0x10, 0x10, F2, 8, V},                     {1, 0x11, 0x11, NP | P66, FULL, W | U | V},
    {1, 0x11, 0x11, F3, 4, W | V},                 {1, 0x11, 0x11, F2, 8, W | V},
    {1, 0x12, 0x12, NP | P66, 8, N | V | L0},      {1, 0x12, 0x12, F3, FULL, S | V},
    {1, 0x12, 0x12, F2, DUP, S | V},               {1, 0x13, 0x13, NP | P66, 8, W | V | L0},
    {1, 0x14, 0x15, NP | P66, FULL, N | V},        {1, 0x16, 0x16, NP | P66, 8, N | V | L0},
    {1, 0x16, 0x16, F3, FULL, S | V},              {1, 0x17, 0x17, NP | P66, 8, W | V | L0},
    {1, 0x28, 0x28, NP | P66, FULL, A | V},        {1, 0x29, 0x29, NP | P66, FULL, W | A | V},
    {1, 0x2b, 0x2b, NP | P66, FULL, W | A | V},    {1, 0x54, 0x57, NP | P66, FULL, N | V},
    {1, 0x60, 0x62, NP, 4, M},                     {1, 0x60, 0x62, P66, FULL, N | V | I},
    {1, 0x63, 0x6b, NP | P66, FULL, M | N | V | I},
    {1, 0x6c, 0x6d, P66, FULL, N | V | I},         {1, 0x6e, 0x6e, NP | P66, GPR, M | V | L0},
    {1, 0x6f, 0x6f, NP | P66, FULL, M | A | V},    {1, 0x6f, 0x6f, F3, FULL, U | V},
    {1, 0x70, 0x70, NP | P66 | F3 | F2, FULL, M | V | I | B},
    {1, 0x74, 0x76, NP | P66, FULL, M | N | V | I},
    {1, 0x7e, 0x7e, NP | P66, GPR, M | W | V | L0}, {1, 0x7e, 0x7e, F3, 8, V | L0},
    {1, 0x7f, 0x7f, NP | P66, FULL, M | W | A | V}, {1, 0x7f, 0x7f, F3, FULL, W | U | V},
    {1, 0xc4, 0xc4, NP | P66, 2, M | N | V | L0 | B},
    {1, 0xc6, 0xc6, NP | P66, FULL, N | V | B},    {1, 0xd1, 0xd3, NP | P66, COUNT, M | N | V | I},
    {1, 0xd4, 0xd5, NP | P66, FULL, M | N | V | I}, {1, 0xd6, 0xd6, P66, 8, W | V | L0},
    {1, 0xd8, 0xe0, NP | P66, FULL, M | N | V | I}, {1, 0xe1, 0xe2, NP | P66, COUNT, M | N | V | I},
    {1, 0xe3, 0xe5, NP | P66, FULL, M | N | V | I}, {1, 0xe7, 0xe7, NP | P66, FULL, M | W | A | V},
    {1, 0xe8, 0xef, NP | P66, FULL, M | N | V | I}, {1, 0xf0, 0xf0, F2, FULL, S | U | V},
    {1, 0xf1, 0xf3, NP | P66, COUNT, M | N | V | I},
    {1, 0xf4, 0xf6, NP | P66, FULL, M | N | V | I}, {1, 0xf8, 0xfe, NP | P66, FULL, M | N | V | I},

    {2, 0x00, 0x0b, NP | P66, FULL, M | S | N | V | I},
    {2, 0x17, 0x17, P66, FULL, S | V},             {2, 0x18, 0x18, P66, 4, X | W0},
    {2, 0x19, 0x19, P66, 8, X | L1 | W0},          {2, 0x1a, 0x1a, P66, 16, X | L1 | W0},
    {2, 0x1c, 0x1e, NP | P66, FULL, M | S | V | I},
    {2, 0x20, 0x20, P66, HALF, S | V | I},         {2, 0x21, 0x21, P66, QUARTER, S | V | I},
    {2, 0x22, 0x22, P66, EIGHTH, S | V | I},       {2, 0x23, 0x23, P66, HALF, S | V | I},
    {2, 0x24, 0x24, P66, QUARTER, S | V | I},      {2, 0x25, 0x25, P66, HALF, S | V | I},
    {2, 0x28, 0x29, P66, FULL, S | N | V | I},     {2, 0x2a, 0x2a, P66, FULL, S | A | V | I},
    {2, 0x2b, 0x2b, P66, FULL, S | N | V | I},     {2, 0x30, 0x30, P66, HALF, S | V | I},
    {2, 0x31, 0x31, P66, QUARTER, S | V | I},      {2, 0x32, 0x32, P66, EIGHTH, S | V | I},
    {2, 0x33, 0x33, P66, HALF, S | V | I},         {2, 0x34, 0x34, P66, QUARTER, S | V | I},
    {2, 0x35, 0x35, P66, HALF, S | V | I},         {2, 0x37, 0x40, P66, FULL, S | N | V | I},
    {2, 0x41, 0x41, P66, FULL, S | V | L0},        {2, 0x58, 0x58, P66, 4, X | W0 | AVX2},
    {2, 0x59, 0x59, P66, 8, X | W0 | AVX2},        {2, 0x5a, 0x5a, P66, 16, X | L1 | W0 | AVX2},
    {2, 0x78, 0x78, P66, 1, X | W0 | AVX2},        {2, 0x79, 0x79, P66, 2, X | W0 | AVX2},

    {3, 0x06, 0x06, P66, FULL, X | N | L1 | W0 | B}, {3, 0x0c, 0x0d, P66, FULL, S | N | V | B},
    {3, 0x0e, 0x0e, P66, FULL, S | N | V | I | B}, {3, 0x0f, 0x0f, NP | P66, FULL, M | S | N | V | I | B},
    {3, 0x14, 0x14, P66, 1, S | W | V | L0 | B},   {3, 0x15, 0x15, P66, 2, S | W | V | L0 | B},
    {3, 0x16, 0x16, P66, GPR, S | W | V | L0 | B}, {3, 0x17, 0x17, P66, 4, S | W | V | L0 | B},
    {3, 0x18, 0x18, P66, 16, X | N | L1 | W0 | B}, {3, 0x19, 0x19, P66, 16, X | W | L1 | W0 | B},
    {3, 0x20, 0x20, P66, 1, S | N | V | L0 | B},   {3, 0x21, 0x21, P66, 4, S | N | V | L0 | B},
    {3, 0x22, 0x22, P66, GPR, S | N | V | L0 | B}, {3, 0x38, 0x38, P66, 16, X | N | L1 | W0 | B | AVX2},
    {3, 0x39, 0x39, P66, 16, X | W | L1 | W0 | B | AVX2},
    {3, 0x46, 0x46, P66, FULL, X | N | L1 | W0 | B | AVX2},
};
// clang-format on

static unsigned size_of(const struct form *f, const struct vector_prefixes *p)
{
    bool mmx = f->flags & M && p->prefix == 0;
    unsigned full = p->l ? 32 : mmx ? 8 : 16;
    switch (f->size) {
    case FULL:
        return full;
    case HALF:
    case QUARTER:
    case EIGHTH:
        return full >> (f->size - FULL);
    case GPR:
        return p->w ? 8 : 4;
    case COUNT:
        return mmx ? 8 : 16;
    case DUP:
        return p->l ? 32 : 8;
    default:
        return f->size;
    }
}

static bool vex_fits(const struct form *f, const struct vector_prefixes *p)
{
    return f->flags & (V | X) && !(f->flags & M && p->prefix == 0) && (f->flags & N || p->vvvv == 0) &&
           !(f->flags & L0 && p->l) && !(f->flags & L1 && !p->l) && !(f->flags & W0 && p->vex_w);
}

bool vector_form_find(const struct vector_prefixes *p, uint8_t opcode, struct vector_form *out)
{
    for (const struct form *f = forms; f < forms + sizeof(forms) / sizeof(*forms); f++) {
        if (f->map != p->map || opcode < f->first || opcode > f->last || !(f->prefixes >> p->prefix & 1)) {
            continue;
        }
        if (p->vex ? !vex_fits(f, p) : f->flags & X) {
            return false;
        }
        bool mmx = f->flags & M && p->prefix == 0;
        out->size = (uint8_t)size_of(f, p);
        out->flags = f->flags & (W | B);
        if (mmx) {
            out->flags |= VECTOR_MMX | VECTOR_WAITS;
        } else if (f->flags & A || (!p->vex && out->size == 16 && !(f->flags & U) && !(f->flags & X))) {
            out->flags |= A;
        }
        out->flags |= !p->vex ? f->flags & S : f->flags & AVX2 || (f->flags & I && p->l) ? VECTOR_AVX2 : VECTOR_AVX;
        return true;
    }
    return false;
}

// D8-DF by ModRM.reg: bytes that are read, or written if negative.
int x87_operand(uint8_t opcode, uint8_t reg)
{
    static const int8_t sizes[8][8] = {
        {4, 4, 4, 4, 4, 4, 4, 4}, {4, 0, -4, -4, X87_ENVIRONMENT, 2, -X87_ENVIRONMENT, -2},
        {4, 4, 4, 4, 4, 4, 4, 4}, {4, -4, -4, -4, 0, 10, 0, -10},
        {8, 8, 8, 8, 8, 8, 8, 8}, {8, -8, -8, -8, X87_STATE, 0, -X87_STATE, -2},
        {2, 2, 2, 2, 2, 2, 2, 2}, {2, -2, -2, -2, 10, 8, -10, -8},
    };
    return sizes[opcode & 7][reg & 7];
}
