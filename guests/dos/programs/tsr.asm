; SPDX-License-Identifier: MIT
; Stays resident: counts INT 1Ch and the keys that INT 9 brings; INT 60h tells. Run again it says what was counted.
%include "dos.inc"
        jmp start
sign:   db 'MICATSR'
ticks:  dw 0
keys:   dw 0
old1c:  dd 0
old9:   dd 0
tick:   inc word [cs:ticks]
        jmp far [cs:old1c]
key:    inc word [cs:keys]
        jmp far [cs:old9]
ask:    mov ax, [cs:ticks]
        mov dx, [cs:keys]
        iret
resident:
start:  mov ax, 3560h
        int 21h
        cmp bx, ask
        jne install
        mov di, sign
        mov si, sign
        mov cx, 7
        repe cmpsb
        jne install
        int 60h
        cmp ax, 2
        jb .bad
        cmp dx, 4
        jb .bad
        say 'TSR: ok', 13, 10
        quit 0
.bad:   fail 'TSR: nothing was counted'
install: mov ax, 351ch
        int 21h
        mov [old1c], bx
        mov [old1c+2], es
        mov ax, 3509h
        int 21h
        mov [old9], bx
        mov [old9+2], es
        mov dx, tick
        mov ax, 251ch
        int 21h
        mov dx, key
        mov ax, 2509h
        int 21h
        mov dx, ask
        mov ax, 2560h
        int 21h
        say 'TSR: resident', 13, 10
        mov dx, (resident - $$ + 100h + 15) / 16
        mov ax, 3100h
        int 21h
