; SPDX-License-Identifier: MIT
; A PS/2 mouse by INT 15h AH=C2h, and by the controller's second channel.
%include "boot.inc"
        int 11h
        test al, 4
        jnz .has
        say 'no mouse in the equipment word', 13, 10
.has:   mov ax, 0c205h                  ; initialise, packets of 3 bytes
        mov bh, 3
        int 15h
        call result
        mov ax, 0c207h
        mov bx, handler
        push cs
        pop es
        int 15h
        call result
        mov ax, 0c202h                  ; 100 reports a second
        mov bh, 5
        int 15h
        call result
        mov ax, 0c203h
        mov bh, 3
        int 15h
        call result
        mov ax, 0c200h
        mov bh, 1
        int 15h
        call result
        mov ax, 0c206h
        mov bh, 0
        int 15h
        call result
        say 'BX='
        mov ax, bx
        call hex16
        say ' CX='
        mov ax, cx
        call hex16
        say ' DX='
        mov ax, dx
        call hex16
        call newline
        mov ax, 0c204h
        int 15h
        call result
        mov al, bh
        call hex8
        call newline
        mov ax, 0c200h
        mov bh, 0
        int 15h
        call result
        done
result: pushf
        mov al, ah
        call hex8
        popf
        jnc .good
        say ' CF'
.good:  call newline
        ret
handler: retf
