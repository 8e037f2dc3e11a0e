; SPDX-License-Identifier: GPL-2.0-only
; The character shapes of the console's framebuffer (scripts/bios-fonts).
        section .rodata
        global  console_font
console_font:
        incbin  "font16.bin"
