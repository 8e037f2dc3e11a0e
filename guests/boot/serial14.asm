; SPDX-License-Identifier: MIT
; The first serial port by INT 14h and by its registers in loopback, with IRQ 4.
%include "boot.inc"
        mov ax, [400h]
        call hex16
        mov ax, 00e3h
        xor dx, dx
        int 14h
        and ah, 60h
        call hex16
        mov al, 'A'
        mov ah, 1
        xor dx, dx
        int 14h
        and ah, 80h
        call hex16
        call newline
        cli
        mov word [0ch*4], handler
        mov word [0ch*4+2], 0
        in al, 21h
        and al, 0efh
        out 21h, al
        mov dx, 3fch
        mov al, 1bh                     ; loopback, OUT2
        out dx, al
        mov dx, 3f9h
        mov al, 1
        out dx, al
        sti
        mov dx, 3fdh
.empty: in al, dx
        test al, 20h
        jz .empty
        mov dx, 3f8h
        mov al, 5ah
        out dx, al
.wait:  cmp byte [got], 0
        je .wait
        mov al, [got]
        call hex8
        mov dx, 3feh
        in al, dx
        call hex8
        mov dx, 3ffh
        mov al, 77h
        out dx, al
        in al, dx
        call hex8
        mov ah, 3
        mov dx, 3
        int 14h
        done
handler: push ax
        push dx
        mov dx, 3fah
        in al, dx
        mov dx, 3f8h
        in al, dx
        mov [cs:got], al
        mov al, 20h
        out 20h, al
        pop dx
        pop ax
        iret
got:    db 0
