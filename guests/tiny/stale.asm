; SPDX-License-Identifier: MIT
; Is a guest's memory zero when it gets it? Looks at all from 4 MiB to 1 MiB below its end, then leaves a pattern there for the next
; guest to find, if somebody forgets. Exit code 0 or 1.
        %include "start.inc"

FROM    equ 0x400000

main:   mov     eax, [boot_info]
        mov     ecx, [eax + 8]          ; KiB above 1 MiB
        shl     rcx, 10
        sub     rcx, FROM
        shr     rcx, 3
        mov     rbx, rcx
        mov     edi, FROM
        xor     eax, eax
        repe scasq
        jne     .dirty
        mov     edi, FROM
        mov     rcx, rbx
        mov     rax, 0xa5a5a5a5a5a5a5a5
        rep stosq
        mov     esi, good_text
        jmp     put_text
.dirty: mov     esi, bad_text
        call    put_text
        mov     eax, 1
        jmp     power_off

good_text:  db "memory: zero", 13, 10, 0
bad_text:   db "memory: not zero", 13, 10, 0
