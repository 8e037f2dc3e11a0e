; SPDX-License-Identifier: MIT
; Are the vector registers a guest's own? Fills all that CPUID tells of (x87, SSE, AVX, AVX-512) with a pattern, then checks
; them after each of ROUNDS exits and fills them anew now and then. The pattern's seed is the TSC at the start, so that two of
; these guests differ. Prints `vectors: ok` or what is wrong; exit code 0 or 1. The command line's last digit is the number of
; exits as a power of ten.
        %include "start.inc"
        %include "vector.inc"

ROUNDS_PER_FILL equ 64

main:   mov     r12d, [boot_info]
        call    rounds_read
        call    xcr0_set
        call    vector_level
        mov     r13d, eax
        mov     esi, names
        lea     rsi, [rsi + rax * 8]
        call    put_text
        rdtsc
        or      eax, 1
        mov     r14d, eax               ; seed
        xor     r15d, r15d              ; rounds
.fill:  add     r14, 2
        mov     rdi, r14
        mov     esi, r13d
        call    vector_fill
.round: xor     eax, eax
        xor     ecx, ecx
        cpuid                           ; the exit
        mov     rdi, r14
        mov     esi, r13d
        call    vector_check
        test    rax, rax
        jnz     .bad
        inc     r15
        cmp     r15, rbp
        jae     .good
        test    r15, ROUNDS_PER_FILL - 1
        jz      .fill
        jmp     .round
.good:  mov     esi, good_text
        jmp     put_text
.bad:   mov     rbx, rax
        mov     esi, bad_text
        call    put_text
        mov     rax, rbx
        call    put_number
        mov     esi, after_text
        call    put_text
        mov     rax, r15
        call    put_number
        call    new_line
        mov     eax, 1
        jmp     power_off

; XCR0 = all that there is, if there is XSAVE
xcr0_set:
        mov     eax, 1
        cpuid
        bt      ecx, 26
        jnc     .end
        mov     rax, cr4
        or      eax, 1 << 18
        mov     cr4, rax
        mov     eax, 0xd
        xor     ecx, ecx
        cpuid
        xor     ecx, ecx
        xsetbv
.end:   ret

; RBP: how many exits. Multiboot information in R12: flags bit 2 = command line at 16
rounds_read:
        mov     ebp, 1
        mov     eax, DEFAULT_POWER
        test    dword [r12], 1 << 2
        jz      .power
        mov     esi, [r12 + 16]
.next:  lodsb
        test    al, al
        jz      .power_of_last
        mov     dl, al
        jmp     .next
.power_of_last:
        movzx   eax, dl
        sub     eax, '0'
        cmp     eax, 9
        jbe     .power
        mov     eax, DEFAULT_POWER
.power: test    eax, eax
        jz      .end
        imul    rbp, rbp, 10
        dec     eax
        jmp     .power
.end:   ret
DEFAULT_POWER equ 4

names:      db "x87 SSE", 0, "x87 AVX", 0, "AVX-512", 0
good_text:  db 13, 10, "vectors: ok", 13, 10, 0
bad_text:   db 13, 10, "vectors: wrong words: ", 0
after_text: db " after exits: ", 0
