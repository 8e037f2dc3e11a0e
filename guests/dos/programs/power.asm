; SPDX-License-Identifier: MIT
; Switches the PC off by APM, as FDAPM does.
%include "dos.inc"
        mov ax, 5300h
        xor bx, bx
        int 15h
        jc .none
        cmp bx, 504dh
        jne .none
        mov ax, 5301h
        xor bx, bx
        int 15h
        mov ax, 530eh
        xor bx, bx
        mov cx, 0102h
        int 15h
        jc .none
        mov ax, 5308h
        mov bx, 1
        mov cx, 1
        int 15h
        mov ax, 5307h
        mov bx, 1
        mov cx, 3
        int 15h
        fail 'POWER: still on'
.none:  fail 'POWER: no APM'
