; SPDX-License-Identifier: GPL-2.0-only
; A static Linux program that prints the time-stamp counter in decimal: one RDTSC, no library, one write.

        bits 64
        global _start

SYS_WRITE equ 1
SYS_EXIT  equ 60
STDOUT    equ 1

        section .text
_start: rdtsc
        shl     rdx, 32
        or      rax, rdx
        lea     rsi, [rel text_end]
        dec     rsi
        mov     byte [rsi], 10          ; the line's end
        mov     ecx, 10
.digit: xor     edx, edx
        div     rcx
        add     dl, '0'
        dec     rsi
        mov     [rsi], dl
        test    rax, rax
        jnz     .digit
        lea     rdx, [rel text_end]
        sub     rdx, rsi
        mov     edi, STDOUT
        mov     eax, SYS_WRITE
        syscall
        xor     edi, edi
        mov     eax, SYS_EXIT
        syscall

        section .bss
        resb    24                      ; 20 digits of 2^64 and the line's end
text_end:
