; SPDX-License-Identifier: MIT
; The character shapes of the console's framebuffer (scripts/bios-fonts).
        section .rodata
        global  console_font
console_font:
        incbin  "font16.bin"
