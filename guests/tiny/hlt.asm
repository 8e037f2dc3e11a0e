; SPDX-License-Identifier: MIT
; An idle guest: halts, and is woken by nothing.
        %include "start.inc"

main:   mov     esi, .text
        call    put_text
.idle:  sti
        hlt
        jmp     .idle
.text:  db      "halting", 13, 10, 0
