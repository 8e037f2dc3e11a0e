; SPDX-License-Identifier: MIT
; /init of the Linux that LOADLIN starts: a 32-bit program without anything around it, which says that it runs and switches off.
; Linux has opened the console for it only if there is /dev/console: it makes that itself.
bits 32
org 10000h
SYS_WRITE  equ 4
SYS_OPEN   equ 5
SYS_MKNOD  equ 14
SYS_REBOOT equ 88
        db 7fh, 'ELF', 1, 1, 1, 0
        times 8 db 0
        dw 2, 3                         ; executable, i386
        dd 1, start, phdr - $$, 0, 0
        dw 52, 32, 1, 0, 0, 0
phdr:   dd 1, 0, $$, $$, end - $$, end - $$, 5, 1000h
start:  mov eax, SYS_MKNOD
        mov ebx, console
        mov ecx, 20600o                 ; S_IFCHR | 0600
        mov edx, 5 << 8 | 1
        int 80h
        mov eax, SYS_OPEN
        mov ebx, console
        mov ecx, 1
        int 80h
        mov ebx, eax
        mov eax, SYS_WRITE
        mov ecx, text
        mov edx, end - text
        int 80h
        mov eax, SYS_REBOOT
        mov ebx, 0fee1deadh
        mov ecx, 672274793
        mov edx, 4321fedch              ; power off
        int 80h
        jmp $
console: db '/console', 0
text:   db 10, 'guest: init from DOS', 10
end:
