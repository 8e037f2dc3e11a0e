; SPDX-License-Identifier: MIT
; First instructions of a process: RSP = top of a stack window. Puts the thread block there (lib/sys/thread.h) and goes on in C.
extern process_main, first_utcb

section .text.start
global _start
_start:
        lea     rax, [rsp - 1]          ; the window's end, from just below it
        or      rax, 0xffff
        lea     rsp, [rax + 1 - 64]
        mov     rax, [first_utcb]
        mov     [rsp], rax              ; thread.utcb
        mov     qword [rsp + 8], 0      ; thread.cpu
        xor     ebp, ebp
        call    process_main
        ud2
section .note.GNU-stack noalloc noexec nowrite progbits
