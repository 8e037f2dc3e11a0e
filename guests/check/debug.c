// SPDX-License-Identifier: MIT
// Single steps and breakpoints, on instructions that a hypervisor executes itself too (SDM 3B chapter 17).
#include "guests/check/check.h"

#define BS  (1ul << 14)
#define BD  (1ul << 13)
#define LOW 0xffff0ff0ul // bits of DR6 that read as 1
#define TF  0x100ul
#define MAX 16

static volatile unsigned n;
static volatile uint64_t at[MAX], dr6[MAX];
static volatile uint64_t watched;

static void on_db(struct frame *f)
{
    at[n] = f->rip;
    dr6[n] = dr6_get();
    if (dr6[n] & 3)
        f->rflags |= 0x10000; // RF: a breakpoint on an instruction comes once
    if (++n == MAX) {
        f->rflags &= ~TF;
        dr7_set(0x400);
        n = MAX - 1;
    }
}

static void begin(void)
{
    n = 0;
    dr6_set(0);
}

// The steps that were seen against addresses, each with DR6.BS alone.
static void steps(const uint64_t *wanted, unsigned count, const char *rule)
{
    bool ok = n == count;
    for (unsigned i = 0; i < count && ok; i++)
        ok = at[i] == wanted[i] && dr6[i] == (LOW | BS);
    check(ok, rule);
    if (ok)
        return;
    for (unsigned i = 0; i < n; i++) {
        put("  at ");
        put_hex(at[i]);
        put(" DR6 ");
        put_hex(dr6[i]);
        put(i < count ? ", not at " : ", too many");
        put_hex(i < count ? wanted[i] : 0);
        put("\r\n");
    }
}

#define TF_ON       "pushfq; orq $0x100, (%%rsp); popfq;"
#define TF_OFF      "pushfq; andq $~0x100, (%%rsp); popfq;"
#define LABEL(name) ".global " #name "; " #name ": "
extern const char s0[], s1[], s2[], s3[], s4[], s5[], s6[], s7[], s8[], s9[];

static __attribute__((noinline)) void plain(void)
{
    asm volatile(TF_ON "nop;" LABEL(s0) "nop;" LABEL(s1) "pushfq;" LABEL(s2) "andq $~0x100, (%%rsp);" LABEL(
                     s3) "popfq;" LABEL(s4)
                 :
                 :
                 : "memory");
}

static __attribute__((noinline)) void emulated(void)
{
    asm volatile("xor %%eax, %%eax; mov $0xe0, %%edx;" TF_ON "cpuid;" LABEL(s5) "mov $0xe0, %%edx;" LABEL(
                     s6) "inb %%dx, %%al;" LABEL(s7) "outb %%al, %%dx;" LABEL(s8) "mov %0, %%eax;" LABEL(s9) TF_OFF
                 :
                 : "m"(*(volatile uint32_t *)(APIC_BASE + 0x30))
                 : "rax", "rbx", "rcx", "rdx", "memory");
}

static void single_steps(void)
{
    begin();
    plain();
    steps((uint64_t[]){(uint64_t)s0, (uint64_t)s1, (uint64_t)s2, (uint64_t)s3, (uint64_t)s4}, 5, "single steps");
    begin();
    emulated();
    uint64_t end = (uint64_t)s9;
    steps((uint64_t[]){(uint64_t)s5, (uint64_t)s6, (uint64_t)s7, (uint64_t)s8, end, end + 1, end + 9, end + 10}, 8,
          "single steps over CPUID, IN, OUT, MMIO");
    begin();
    ring3_call(plain);
    steps((uint64_t[]){(uint64_t)s0, (uint64_t)s1, (uint64_t)s2, (uint64_t)s3, (uint64_t)s4}, 5,
          "single steps in ring 3");
    extern const char m0[], m1[], m2[];
    begin();
    asm volatile("mov $0x10, %%ecx;" TF_ON "rdmsr;" LABEL(m0) "wrmsr;" LABEL(m1) "nop;" LABEL(m2) TF_OFF
                 :
                 :
                 : "rax", "rcx", "rdx", "memory");
    uint64_t m = (uint64_t)m2;
    steps((uint64_t[]){(uint64_t)m0, (uint64_t)m1, m, m + 1, m + 9, m + 10}, 6, "single steps over RDMSR and WRMSR");
    extern const char r0[];
    static const uint8_t bytes[3] = {1, 2, 3};
    begin();
    const uint8_t *source = bytes;
    uint64_t count = 3;
    asm volatile(TF_ON LABEL(r0) "rep outsb;" TF_OFF : "+S"(source), "+c"(count) : "d"(0xe0) : "memory");
    uint64_t r = (uint64_t)r0;
    check(n >= 4 && at[0] == r && at[1] == r && at[2] == r + 2 && at[3] == r + 3,
          "each iteration of REP OUTS is a step");
}

static void shadows(void)
{
    extern const char d0[], d1[];
    begin();
    asm volatile("cli;" TF_ON "sti;" LABEL(d0) "nop;" LABEL(d1) TF_OFF "cli" : : : "memory");
    uint64_t d = (uint64_t)d1;
    steps((uint64_t[]){(uint64_t)d0, d, d + 1, d + 9, d + 10}, 5, "STI does not hold single steps back");
    extern const char v0[], v1[];
    begin();
    asm volatile("mov %%ss, %%eax;" TF_ON "mov %%eax, %%ss; nop;" LABEL(v0) "nop;" LABEL(v1) TF_OFF
                 :
                 :
                 : "rax", "memory");
    uint64_t v = (uint64_t)v1;
    steps((uint64_t[]){(uint64_t)v0, v, v + 1, v + 9, v + 10}, 5, "MOV SS does");
    extern const char c0[];
    begin();
    asm volatile("mov %%ss, %%esi; xor %%eax, %%eax;" TF_ON "mov %%esi, %%ss; cpuid;" LABEL(c0) TF_OFF
                 :
                 :
                 : "rax", "rbx", "rcx", "rdx", "rsi", "memory");
    uint64_t c = (uint64_t)c0;
    steps((uint64_t[]){c, c + 1, c + 9, c + 10}, 4, "MOV SS, then CPUID");
}

static void icebp(void)
{
    extern const char i0[];
    begin();
    unsigned vector = TRY(".byte 0xf1;" LABEL(i0) "nop", : : : "memory");
    check(vector == NO_VECTOR && n == 1 && at[0] == (uint64_t)i0 && dr6[0] == LOW,
          "INT1 is a #DB behind it, DR6 without a cause");
    if (n != 1 || at[0] != (uint64_t)i0) {
        skip("MOV SS, then INT1", "this CPU has no INT1");
        return;
    }
    extern const char i1[];
    begin();
    asm volatile("mov %%ss, %%eax;" TF_ON "mov %%eax, %%ss; .byte 0xf1;" LABEL(i1) TF_OFF : : : "rax", "memory");
    uint64_t i = (uint64_t)i1;
    check(n == 4 && at[0] == i && dr6[0] == LOW && at[1] == i + 1 && at[3] == i + 10,
          "MOV SS, then INT1: it takes the single step's place");
}

static void breakpoints(void)
{
    extern const char b0[], b1[], b2[], w0[];
    begin();
    dr0_set((uint64_t)b0);
    dr7_set(0x402);
    asm volatile(LABEL(b0) "nop" : : : "memory");
    check(n == 1 && at[0] == (uint64_t)b0 && dr6[0] == (LOW | 1), "a breakpoint on an instruction");
    begin();
    dr0_set((uint64_t)b1);
    dr6_set(BS | 2);
    asm volatile(LABEL(b1) "nop" : : : "memory");
    check(n == 1 && at[0] == (uint64_t)b1 && dr6[0] == (LOW | BS | 1), "DR6.BS stays as software left it");
    begin();
    dr0_set((uint64_t)b2);
    asm volatile("xor %%eax, %%eax;" LABEL(b2) "cpuid; nop" : : : "rax", "rbx", "rcx", "rdx", "memory");
    check(n == 1 && at[0] == (uint64_t)b2 && dr6[0] == (LOW | 1), "a breakpoint on CPUID");
    dr7_set(0x400);
    begin();
    dr1_set((uint64_t)&watched);
    dr7_set(0x00d0040a); // four bytes, writes
    asm volatile("movl $42, %0;" LABEL(w0) "nop" : "=m"(watched) : : "memory");
    check(n == 1 && at[0] == (uint64_t)w0 && dr6[0] == (LOW | 2), "a watchpoint");
    dr7_set(0x400);
}

// Accesses that a hypervisor makes in the guest's place.
static void device_watchpoints(void)
{
    extern const char p0[], p1[], p2[], p3[], p4[], p5[];
    volatile uint32_t *w = (volatile uint32_t *)0xff000000, *to = w;
    uint64_t count = 9;
    w[0] = 0x12345678;
    if (w[0] != 0x12345678) {
        skip("watchpoints on devices", "no window at ff000000h");
        return;
    }
    begin();
    dr1_set((uint64_t)(w + 1));
    dr7_set(0x00d0040a); // four bytes, writes
    asm volatile("movl $1, (%0); movl $2, 4(%0);" LABEL(p0) "movl 4(%0), %%eax; nop" : : "r"(w) : "rax", "memory");
    check(n == 1 && at[0] == (uint64_t)p0 && dr6[0] == (LOW | 2), "a watchpoint on writes to a device");
    begin();
    dr7_set(0x00f0040a); // reads too
    asm volatile(
        "movl 4(%0), %%eax;" LABEL(p1) "movups (%0), %%xmm0;" LABEL(p2) "incb 8(%0); incb 7(%0);" LABEL(p3) "nop"
        :
        : "r"(w)
        : "rax", "memory");
    check(n == 3 && at[0] == (uint64_t)p1 && at[1] == (uint64_t)p2 && at[2] == (uint64_t)p3 && dr6[2] == (LOW | 2),
          "a watchpoint on accesses to a device");
    begin();
    asm volatile(LABEL(p4) "rep stosb; nop" : "+D"(to), "+c"(count) : "a"(5) : "memory");
    uint64_t p = (uint64_t)p4;
    check(n == 4 && at[0] == p && at[3] == p && count == 0 && w[1] == 0x05050505,
          "a watchpoint within REP STOSB to a device");
    dr7_set(0x400);
    begin();
    w[0] = 16;
    asm volatile(TF_ON "movw (%0), %%ss; nop;" LABEL(p5) TF_OFF : : "r"(w) : "memory");
    p = (uint64_t)p5;
    steps((uint64_t[]){p, p + 1, p + 9, p + 10}, 4, "MOV SS from a device holds single steps back");
    w[2] = 0;
}

static void registers(void)
{
    uint64_t cr4 = cr4_get();
    cr4_set(cr4 & ~8ul);
    dr6_set(LOW | BS | 2);
    uint64_t value;
    asm volatile("mov %%dr4, %0" : "=r"(value));
    check_same(value, LOW | BS | 2, "DR4 is DR6");
    cr4_set(cr4 | 8);
    check_same(TRY("mov %%dr4, %%rax", : : : "rax", "memory"), UD, "DR4 with CR4.DE");
    cr4_set(cr4);
    dr6_set(0);
    check_same(dr6_get(), LOW, "DR6 of 0");
    dr7_set(0);
    check_same(dr7_get(), 0x400, "DR7 of 0");
    check_same(TRY("mov %0, %%dr6", : : "r"(1ul << 32) : "memory"), GP, "upper half of DR6");
    check_same(TRY("mov %0, %%dr7", : : "r"(1ul << 32) : "memory"), GP, "upper half of DR7");
    extern const char g0[];
    begin();
    dr7_set(0x2400);
    asm volatile(LABEL(g0) "mov %%dr6, %%rax" : : : "rax", "memory");
    check(n == 1 && at[0] == (uint64_t)g0 && dr6[0] == (LOW | BD), "general detect");
    check_same(dr7_get(), 0x400, "its delivery clears DR7.GD");
}

void check_debug(void)
{
    apic_on();
    handle(DB, on_db);
    registers();
    single_steps();
    shadows();
    icebp();
    breakpoints();
    device_watchpoints();
    dr7_set(0x400);
    dr6_set(0);
}
