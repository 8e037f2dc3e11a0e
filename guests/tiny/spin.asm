; SPDX-License-Identifier: MIT
; A guest that never leaves its CPU by itself, with interrupts off.
        %include "start.inc"

main:   mov     esi, .text
        call    put_text
        cli
.spin:  inc     eax
        jmp     .spin
.text:  db      "spinning", 13, 10, 0
