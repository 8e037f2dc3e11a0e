; SPDX-License-Identifier: MIT
; The smallest guest: a line on the serial port, then the power goes off.
        %include "start.inc"

main:   mov     esi, .text
        jmp     put_text
.text:  db      "hello from a guest", 13, 10, 0
