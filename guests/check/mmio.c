// SPDX-License-Identifier: MIT
// Instructions with operands in the memory of a device: the window of QEMU's test device at FF000000h.
#include "guests/check/check.h"

#define WINDOW ((volatile uint8_t *)0xff000000)
#define W64    (*(volatile uint64_t *)0xff000000)
#define W32    (*(volatile uint32_t *)0xff000000)
#define W16    (*(volatile uint16_t *)0xff000000)
#define TOP    ((uint64_t *)0xff001000)

static bool window_there(void)
{
    W64 = 0x1122334455667788;
    return W64 == 0x1122334455667788;
}

static void read_modify_write(void)
{
    W64 = 0;
    asm volatile("incl %0" : "+m"(W32));
    check_same(W64, 1, "INC");
    asm volatile("lock decb %0" : "+m"(WINDOW[0]));
    check_same(W64, 0, "LOCK DEC");
    W64 = 1234;
    asm volatile("lock negq %0" : "+m"(W64));
    check_same(W64, (uint64_t)-1234, "LOCK NEG");
    W64 = 0;
    asm volatile("btcl %1, %0" : "+m"(W32) : "r"(66));
    check_same(*(volatile uint32_t *)(WINDOW + 8) & 4, 4, "BTC reaches beyond its operand");
    W64 = 0x123456789abcdef;
    uint64_t rax = 0xfedcba9876543210;
    asm volatile("xchg %%al, %1" : "+a"(rax), "+m"(WINDOW[0]));
    check(rax == 0xfedcba98765432ef && W64 == 0x123456789abcd10, "XCHG of a byte");
    W64 = 0x123456789abcdef;
    rax = 0xfedcba9876543210;
    asm volatile("xaddl %%eax, %1" : "+a"(rax), "+m"(W32));
    check(rax == 0x89abcdef && W64 == 0x1234567ffffffff, "XADD of 32 bits");
    W64 = 5;
    bool equal;
    rax = 5;
    asm volatile("lock cmpxchgq %3, %1; setz %2" : "+a"(rax), "+m"(W64), "=q"(equal) : "r"(7ul));
    check(equal && W64 == 7, "CMPXCHG");
    W32 = 0x12345678;
    asm volatile("shldl %%cl, %1, %0" : "+m"(W32) : "r"(0xaaaaaaaau), "c"(3));
    check_same(W32, 0x12345678u << 3 | 5, "SHLD");
}

static void reads(void)
{
    uint64_t a = 0x1234567812345678, d;
    W64 = 51;
    asm volatile("imulq %1, %0" : "+r"(a) : "m"(W64));
    check_same(a, 0xA06D39EBA06D39E8, "IMUL");
    W64 = 0x3333333333333333;
    a = 0x1111111111111111, d = 0x2222222222222222;
    asm volatile("mulq %2" : "+a"(a), "+d"(d) : "m"(W64));
    check(a == 0x2fc962fc962fc963 && d == 0x369d0369d0369d0, "MUL");
    W64 = 0;
    check_same(TRY("divq %0", : : "m"(W64), "a"(1ul), "d"(2ul) : "memory"), DE, "DIV by 0");
    W64 = 987654321098765;
    a = d = 123456789012345;
    asm volatile("divq %2" : "+a"(a), "+d"(d) : "m"(W64));
    check(a == 0x1ffffffb1b963b33 && d == 0x273ba4384ede2, "DIV");
    W32 = 0xabcdef12;
    a = 0x1234567812345678;
    asm volatile("cmpl %%eax, %%eax; cmovnel %1, %%eax" : "+a"(a) : "m"(W32) : "cc");
    check_same(a, 0x12345678, "CMOV whose condition is false clears the upper half");
    W64 = 0xc00000000000;
    asm volatile("bsrq %1, %0" : "=r"(a) : "m"(W64));
    check_same(a, 47, "BSR");
    W16 = 0xff80;
    asm volatile("movsbq %1, %0" : "=r"(a) : "m"(WINDOW[0]));
    check_same(a, 0xffffffffffffff80, "MOVSX");
    asm volatile("movzwl %1, %k0" : "=r"(a) : "m"(W16));
    check_same(a, 0xff80, "MOVZX");
}

static void strings(void)
{
    static uint8_t ram[256];
    for (unsigned i = 0; i < 100; i++)
        WINDOW[i] = ram[i] = (uint8_t)i;
    for (unsigned i = 100; i < 200; i++)
        WINDOW[i] = (uint8_t)(i + 1), ram[i] = (uint8_t)i;
    const volatile void *source = WINDOW, *to = ram;
    uint64_t count = 130;
    asm volatile("repe cmpsb" : "+S"(source), "+D"(to), "+c"(count) : : "memory", "cc");
    check(count == 29 && source == WINDOW + 101 && to == ram + 101, "REPE CMPSB");
    source = WINDOW, to = ram, count = 16;
    asm volatile("repe cmpsq" : "+S"(source), "+D"(to), "+c"(count) : : "memory", "cc");
    check(count == 3 && source == WINDOW + 104 && to == ram + 104, "REPE CMPSQ");
    to = WINDOW, count = 50;
    asm volatile("repne scasb" : "+D"(to), "+c"(count) : "a"(33) : "memory", "cc");
    check(to == WINDOW + 34 && count == 16, "REPNE SCASB");
    source = ram + 99, to = WINDOW + 4195, count = 100;
    asm volatile("std; rep movsb; cld" : "+S"(source), "+D"(to), "+c"(count) : : "memory");
    check(WINDOW[4096] == 0 && WINDOW[4195] == 99, "REP MOVSB down, over a page");
    out8(0xe0, 0x99);
    to = WINDOW + 4032, count = 1024;
    asm volatile("rep insb" : "+D"(to), "+c"(count) : "d"(0xe0) : "memory");
    check(WINDOW[4032] == 0x99 && WINDOW[5055] == 0x99, "REP INSB to a device");
    ram[9] = 0x42;
    source = ram, count = 10;
    asm volatile("rep outsb" : "+S"(source), "+c"(count) : "d"(0xe0) : "memory");
    check_same(in8(0xe0), 0x42, "REP OUTSB");
    WINDOW[4095] = 0x99;
    WINDOW[4096] = 0x77;
    uint16_t w;
    asm volatile("movw %1, %0" : "=r"(w) : "m"(*(volatile uint16_t *)(WINDOW + 4095)));
    check_same(w, 0x7799, "a read over two pages");
    asm volatile("movw %1, %0" : "=m"(*(volatile uint16_t *)(WINDOW + 4095)) : "r"((uint16_t)0x88aa));
    check(WINDOW[4095] == 0xaa && WINDOW[4096] == 0x88, "a write over two pages");
}

static void stack(void)
{
    uint64_t kept, top, value, other = 0x123456789abcdef;
    asm volatile(
        "mov %%rsp, %0; mov %3, %%rsp; pushq $-7; pushq (%4); pushq $-7070707; mov %%rsp, %1; popq %2; mov %0, %%rsp"
        : "=&r"(kept), "=&r"(top), "=&r"(value)
        : "r"(TOP), "r"(&other)
        : "memory");
    check(TOP[-1] == (uint64_t)-7 && TOP[-2] == other && top == (uint64_t)(TOP - 3) && value == (uint64_t)-7070707,
          "PUSH and POP");
    asm volatile("mov %%rsp, %0; mov %1, %%rsp; lea 1f(%%rip), %%rax; push %%rax; ret; 1: mov %0, %%rsp"
                 : "=&r"(kept)
                 : "r"(TOP)
                 : "rax", "memory");
    check(true, "RET");
    asm volatile("mov %%rsp, %0; mov %1, %%rsp; call 1f; 1: popq %%rax; mov %0, %%rsp"
                 : "=&r"(kept)
                 : "r"(TOP)
                 : "rax", "memory");
    check(true, "CALL");
    TOP[-1] = 0x778899;
    uint64_t rsp = (uint64_t)(TOP - 1), rbp;
    asm volatile("mov %%rsp, %%r8; mov %%rbp, %%r9; mov %1, %%rbp; leave; mov %%rsp, %1; mov %%rbp, %0; mov %%r8, "
                 "%%rsp; mov %%r9, %%rbp"
                 : "=&r"(rbp), "+&r"(rsp)
                 :
                 : "r8", "r9", "memory");
    check(rbp == 0x778899 && rsp == (uint64_t)TOP, "LEAVE");
    rsp = (uint64_t)TOP;
    asm volatile("mov %%rsp, %%r8; mov %%rbp, %%r9; mov %1, %%rsp; mov $0x55, %%ebp; enter $0x128, $0; mov %%rsp, %1; "
                 "mov %%rbp, %0;"
                 "mov %%r8, %%rsp; mov %%r9, %%rbp"
                 : "=&r"(rbp), "+&r"(rsp)
                 :
                 : "r8", "r9", "memory");
    check(rbp == (uint64_t)(TOP - 1) && rsp == rbp - 0x128 && TOP[-1] == 0x55, "ENTER");
}

static void branches(void)
{
    *(volatile uint64_t *)WINDOW = (uint64_t) && there;
    asm volatile goto("jmp *%0" : : "m"(W64) : : there);
    check(false, "JMP through memory");
    return;
there:
    check(true, "JMP through memory");
    W64 = 0x1111111111111111;
    check_same(TRY("jmp *%0", : : "m"(W64) : "memory"), GP, "JMP to an address that is not canonical");
    volatile uint64_t *far = &W64;
    *(volatile uint16_t *)(WINDOW + 8) = 8;
    *far = 0;
    unsigned landed = 0;
    unsigned vector = TRY("lea 2f(%%rip), %%rax; mov %%rax, (%1); rex64 ljmp *(%1); jmp 1f; 2: movl $1, %0",
                          : "+r"(landed)
                          : "r"(far)
                          : "rax", "memory");
    check(vector == NO_VECTOR && landed == 1, "far JMP through memory");
}

static void system_instructions(void)
{
    uint64_t cr0 = cr0_get();
    W64 = UINT64_MAX;
    unsigned vector = TRY("smsw %0", : "+m"(W16) : : "memory");
    check(vector == NO_VECTOR && W64 == (UINT64_MAX << 16 | (uint16_t)cr0), "SMSW");
    W16 = (uint16_t)(cr0 ^ 8);
    vector = TRY("lmsw %0", : : "m"(W16) : "memory");
    check(vector == NO_VECTOR && cr0_get() == (cr0 ^ 8), "LMSW");
    cr0_set(cr0);
    uint32_t ss = 0x55;
    W16 = 0;
    vector = TRY("mov %1, %%ss; mov %%ss, %0", : "+r"(ss) : "m"(W16));
    check(vector == NO_VECTOR && ss == 0, "MOV SS of 0");
    W16 = 3;
    check_same(TRY("mov %0, %%ss", : : "m"(W16) : "memory"), GP, "MOV SS of 3 in ring 0");
    asm volatile("mov %0, %%ss" : : "r"(16));
    W16 = 16;
    vector = TRY("mov %0, %%fs; mov %%fs, %1", : : "m"(W16), "m"(*(volatile uint16_t *)(WINDOW + 8)) : "memory");
    check(vector == NO_VECTOR && *(volatile uint16_t *)(WINDOW + 8) == 16, "MOV FS and back");
    vector = TRY("sgdt %0", : "=m"(*(volatile uint8_t(*)[10])(WINDOW + 64)));
    check(vector == NO_VECTOR && *(volatile uint64_t *)(WINDOW + 66) == (uint64_t)gdt, "SGDT");
}

// Segments and tables from and to the window: what a kernel does with its own memory.
static void descriptors(void)
{
    static uint64_t kept[2], value;
    volatile uint16_t *selector = (volatile uint16_t *)(WINDOW + 8);
    uint16_t got = 0;
    W64 = 0x1122334455667788;
    *selector = 16;
    unsigned vector = TRY("lfs %1, %k0; mov %%fs, %2",
                          : "=r"(value), "+m"(*(volatile uint8_t(*)[6])(WINDOW + 4)), "=r"(got)
                          :
                          : "memory");
    check(vector == NO_VECTOR && value == 0x11223344 && got == 16, "LFS");
    W16 = 0x7ff8;
    check_same(TRY("mov %0, %%es", : : "m"(W16) : "memory"), GP, "MOV ES beyond the table");
    check_same(caught_error, 0x7ff8, "its error code is the selector");
    W16 = 16;
    check_same(TRY("verw %0", : : "m"(W16) : "memory", "cc"), NO_VECTOR, "VERW");
    asm volatile("verw %1; setz %b0" : "=r"(got) : "m"(W16) : "cc");
    check_same(got & 0xff, 1, "VERW of a data segment");
    asm volatile("lar %1, %0; lsl %1, %%rcx" : "=r"(value) : "m"(W16) : "rcx", "cc");
    check_same(value & 0xf0ff00, 0xc09300, "LAR");
    asm volatile("sldt %0; str %1" : "=m"(W16), "=m"(*selector));
    check(W16 == 0 && *selector != 0, "SLDT and STR");
    asm volatile("sidt %0" : "=m"(*(volatile uint8_t(*)[10])(WINDOW + 16)));
    check(*(volatile uint16_t *)(WINDOW + 16) == 4095 && *(volatile uint64_t *)(WINDOW + 18) == (uint64_t)idt, "SIDT");
    vector = TRY("lidt %0; int3", : : "m"(*(volatile uint8_t(*)[10])(WINDOW + 16)) : "memory");
    check_same(vector, BP, "LIDT, and an exception through the table");
    asm volatile("mov %%rsp, %0; mov %2, %%rsp; pushfq; push %%fs; pop %%fs; popfq; mov %%rsp, %1; mov %0, %%rsp"
                 : "=&r"(kept[0]), "=&r"(kept[1])
                 : "r"(TOP)
                 : "memory", "cc");
    check_same(kept[1], (uint64_t)TOP, "PUSHF, PUSH FS, POP FS, POPF");
    asm volatile("mov %%rsp, %0; lea 2f(%%rip), %%rax; mov %%rax, (%3); movw $8, 8(%3); mov %2, %%rsp; rex64 lcall "
                 "*(%3); mov %%rsp, %1;"
                 "mov %0, %%rsp; jmp 3f; 2: rex64 lret; 3:"
                 : "=&r"(kept[0]), "=&r"(kept[1])
                 : "r"(TOP), "r"(WINDOW)
                 : "rax", "memory");
    check_same(kept[1], (uint64_t)TOP, "far CALL and RET");
}

typedef uint32_t bytes16 __attribute__((vector_size(16)));

static __attribute__((target("sse2"))) void vectors(void)
{
    static uint32_t value[4] __attribute__((aligned(16))) = {1, 2, 3, 4}, got[4] __attribute__((aligned(16)));
    volatile uint32_t *w = &W32;
#define MOVE(name)                                                                                                     \
    do {                                                                                                               \
        w[0] = w[1] = w[2] = w[3] = 0;                                                                                 \
        unsigned vector = TRY("movups %1, %%xmm0\n\t" name " %%xmm0, %0",                                              \
                              :                                                                                        \
                              : "m"(*(volatile bytes16 *)w), "m"(*(bytes16 *)value)                                    \
                              : "memory");                                                                             \
        check(vector == NO_VECTOR && w[0] == 1 && w[1] == 2 && w[2] == 3 && w[3] == 4, name " to a device");           \
        w[0] = 5, w[1] = 6, w[2] = 7, w[3] = 8;                                                                        \
        vector = TRY(name " %0, %%xmm3\n\tmovups %%xmm3, %1",                                                          \
                     :                                                                                                 \
                     : "m"(*(volatile bytes16 *)w), "m"(*(bytes16 *)got)                                               \
                     : "memory");                                                                                      \
        check(vector == NO_VECTOR && got[0] == 5 && got[1] == 6 && got[2] == 7 && got[3] == 8, name " from a device"); \
    } while (0)
    W64 = 0x1122334455667788;
    uint64_t bits = 0;
    asm volatile("movq %1, %%mm1; movq %%mm1, 8(%2); movd (%2), %%xmm5; movd %%xmm5, %k0; movss %%xmm5, 16(%2); movnti "
                 "%0, 24(%2); emms"
                 : "+&r"(bits)
                 : "m"(W64), "r"(WINDOW)
                 : "memory");
    check(bits == 0x55667788 && w[2] == 0x55667788 && w[3] == 0x11223344 && w[4] == 0x55667788 && w[6] == 0x55667788,
          "MOVQ, MOVD, MOVSS, MOVNTI");
    asm volatile("pcmpeqd %%xmm4, %%xmm4; movdqu %%xmm4, (%1); pxor (%1), %%xmm4; movq %%xmm4, %0"
                 : "=r"(bits)
                 : "r"(WINDOW)
                 : "memory");
    check_same(bits, 0, "PXOR");
    W64 = 0x4008000000000000; // 3.0
    asm volatile("fninit; fldl (%0); fadd %%st; fistpl 8(%0); fnstcw 16(%0); fnstsw 18(%0)" : : "r"(WINDOW) : "memory");
    check(w[2] == 6 && w[4] == 0x37f, "FLD, FISTP, FNSTCW, FNSTSW");
    asm volatile("movups %1, %%xmm15; fxsave64 (%0); xorps %%xmm15, %%xmm15; fxrstor64 (%0); movups %%xmm15, 512(%0)"
                 :
                 : "r"(WINDOW), "m"(*(bytes16 *)value)
                 : "memory");
    check(w[128] == 1 && w[131] == 4 && w[6] == 0x1f80, "FXSAVE and FXRSTOR");
    W32 = 0x10000;
    check_same(TRY("ldmxcsr %0", : : "m"(W32) : "memory"), GP, "LDMXCSR of a bit that is not there");
    if (!is_amd()) { // QEMU 7.2 does not look at the alignment
        check_same(TRY("movaps 8(%0), %%xmm0", : : "r"(WINDOW) : "memory"), GP, "MOVAPS that is not aligned");
        check_same(TRY("paddd 8(%0), %%xmm0", : : "r"(WINDOW) : "memory"), GP, "PADDD that is not aligned");
    }
    check_same(TRY("movups 4090(%0), %%xmm0", : : "r"(WINDOW) : "memory"), NO_VECTOR, "MOVUPS over two pages");
    cr0_set(cr0_get() | 8);
    check_same(TRY("movups %0, %%xmm0", : : "m"(W32) : "memory"), NM, "MOVUPS with CR0.TS");
    check_same(TRY("fldl %0", : : "m"(W64) : "memory"), NM, "FLD with CR0.TS");
    asm volatile("clts");
    cr4_set(cr4_get() & ~0x200ul);
    check_same(TRY("movups %0, %%xmm0", : : "m"(W32) : "memory"), UD, "MOVUPS without CR4.OSFXSR");
    cr4_set(cr4_get() | 0x200);
    if (cpuid(1, 0).ecx & 1u << 20) {
        W64 = 0x3132333435363738;
        bits = 0;
        asm volatile("crc32q %1, %0" : "+r"(bits) : "m"(W64));
        uint64_t other = 0, eight = 0x3132333435363738;
        asm volatile("crc32q %1, %0" : "+r"(other) : "r"(eight));
        check_same(bits, other, "CRC32");
        asm volatile("popcnt %1, %0" : "=r"(bits) : "m"(W64) : "cc");
        check_same(bits, 29, "POPCNT");
    }
    MOVE("movdqu");
    MOVE("movaps");
    MOVE("movapd");
    MOVE("movups");
    MOVE("movupd");
    MOVE("movdqa");
}

static __attribute__((target("avx2"))) void wide_vectors(void)
{
    static uint32_t got[8] __attribute__((aligned(32)));
    uint64_t cr4 = cr4_get();
    if (!(cpuid(1, 0).ecx & 1u << 28)) {
        skip("AVX with device memory", "the CPU has none");
        return;
    }
    cr4_set(cr4 | 1ul << 18);
    asm volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
    for (unsigned i = 0; i < 8; i++)
        (&W32)[i] = i + 1;
    unsigned vector = TRY("vmovups (%0), %%ymm9; vmovaps %%ymm9, %1; vmovups %%ymm9, 64(%0)",
                          :
                          : "r"(WINDOW), "m"(got)
                          : "memory");
    check(vector == NO_VECTOR && got[0] == 1 && got[7] == 8 && (&W32)[16] == 1 && (&W32)[23] == 8,
          "VMOVUPS of 256 bits");
    vector = TRY(
        "vxorps %%ymm8, %%ymm8, %%ymm8; vorps (%0), %%ymm8, %%ymm10; vbroadcastss 8(%0), %%xmm8; vmovups %%ymm10, %1",
        :
        : "r"(WINDOW), "m"(got)
        : "memory");
    check(vector == NO_VECTOR && got[0] == 1 && got[7] == 8, "VORPS and VBROADCASTSS");
    asm volatile("xsetbv" : : "a"(3), "d"(0), "c"(0));
    check_same(TRY("vmovups (%0), %%ymm9", : : "r"(WINDOW) : "memory"), UD, "VMOVUPS without XCR0.AVX");
    cr4_set(cr4);
}

void check_mmio(void)
{
    if (!window_there()) {
        skip("instructions with device memory", "no window at ff000000h");
        return;
    }
    read_modify_write();
    reads();
    strings();
    stack();
    branches();
    system_instructions();
    descriptors();
    vectors();
    wide_vectors();
}
