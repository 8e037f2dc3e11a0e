; SPDX-License-Identifier: MIT
; VBE's 32-bit interface (INT 10h AX=4F0Ah), copied and called from protected mode: window, start of the display, palette; and
; the monitor's description (AX=4F15h). (Other BIOSes have neither: no reference)
%include "boot.inc"

COPY    equ 20000h
BUFFER  equ 0a000h

main:   mov ax, 4f15h
        mov bx, 1
        xor cx, cx
        xor dx, dx
        mov di, BUFFER
        int 10h
        cmp ax, 4fh
        call good
        mov si, BUFFER
        mov cx, 128
        xor ah, ah
.sum:   lodsb
        add ah, al
        loop .sum
        test ah, ah
        call good
        cmp dword [BUFFER + 4], 00ffffffh
        call good

        mov ax, 4f0ah
        xor bx, bx
        int 10h
        cmp ax, 4fh
        call good
        push ds
        push es
        pop ds
        mov si, di                      ; the code, CX bytes
        mov ax, COPY >> 4
        mov es, ax
        xor di, di
        rep movsb
        xor ax, ax
        mov es, ax
        pop ds

        mov ax, 4f02h                   ; 640x480, 256 colours, the window
        mov bx, 101h
        int 10h
        cmp ax, 4fh
        call good
        mov ax, 4f06h                   ; lines of 800
        mov bx, 0
        mov cx, 800
        int 10h
        call protected
        mov ax, 4f05h
        mov bx, 100h
        int 10h
        mov [window], dx
        mov ax, 4f07h
        mov bx, 1
        int 10h
        mov [start], cx
        mov [start + 2], dx
        mov dx, 3c7h
        mov al, 201
        out dx, al
        mov dx, 3c9h
        mov di, colours
        mov cx, 3
.dac:   in al, dx
        stosb
        loop .dac
        mov ax, 3
        int 10h
        cmp word [answers], 4fh
        call good
        cmp word [answers + 2], 3
        call good
        cmp word [answers + 4], 4fh
        call good
        cmp word [answers + 6], 4fh
        call good
        cmp word [answers + 8], 14fh
        call good
        cmp word [window], 3
        call good
        cmp dword [start], 30 << 16 | 64 ; line 30, column 64
        call good
        cmp word [colours], 0605h
        call good
        cmp byte [colours + 2], 7
        call good
        done

good:   je .yes
        say 'BAD', 13, 10
.yes:   ret

protected:
        to_protected 8
bits 32
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        movzx esp, sp
        movzx eax, word [COPY]          ; the window: its third 64 KiB
        add eax, COPY
        mov ebx, 0
        mov edx, 3
        call eax
        mov [answers], ax
        movzx eax, word [COPY]
        add eax, COPY
        mov ebx, 100h
        mov edx, 0
        call eax
        mov [answers + 2], dx
        movzx eax, word [COPY + 2]      ; the display's start
        add eax, COPY
        mov ebx, 0
        mov edx, 0
        mov ecx, (30 * 800 + 64) / 4
        call eax
        mov [answers + 4], ax
        movzx eax, word [COPY + 4]      ; the palette
        add eax, COPY
        mov ebx, 0
        mov ecx, 2
        mov edx, 200
        mov edi, .palette
        call eax
        mov [answers + 6], ax
        movzx eax, word [COPY]          ; no such window
        add eax, COPY
        mov ebx, 1
        mov edx, 0
        call eax
        mov [answers + 8], ax
        jmp 24:.word
.palette: db 1, 2, 3, 0, 7, 6, 5, 0
bits 16
.word:  to_real
        ret

        align 8
gdt:    dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00009a000000ffff
gdtr:   dw 31
        dd gdt
answers: times 5 dw 0
window: dw 0
start:  dd 0
colours: times 3 db 0
