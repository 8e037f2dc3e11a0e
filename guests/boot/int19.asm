; SPDX-License-Identifier: MIT
; INT 19h loads this sector again; then resets by port 64h, by port CF9h, by a triple fault and by F000:FFF0, each of
; which must come back here. How far it is stands in the CMOS memory; what interrupts RAM contents does not matter.
%include "boot.inc"
        mov al, 35h
        out 70h, al
        in al, 71h
        mov bl, al
        mov al, 34h
        out 70h, al
        in al, 71h
        xor bl, al
        cmp bl, 5ah
        je .going
        mov al, 0
.going: mov bl, al
        inc al
        mov ah, al
        mov al, 34h
        out 70h, al
        mov al, ah
        out 71h, al
        xor ah, 5ah
        mov al, 35h
        out 70h, al
        mov al, ah
        out 71h, al
        mov al, bl
        call hex8
        mov bh, 0
        cmp bl, 6
        jae .end
        add bx, bx
        jmp [bx+ways]
.end:   call newline
        mov al, 34h                     ; from the start the next time
        out 70h, al
        mov al, 0
        out 71h, al
        done
ways:   dw w19, w64, wcf9, wtriple, wreset, wwarm
w19:    mov dl, [drive]
        int 19h
w64:    in al, 64h
        test al, 2
        jnz w64
        mov al, 0feh
        out 64h, al
        jmp $
wcf9:   mov dx, 0cf9h
        mov al, 2
        out dx, al
        mov al, 6
        out dx, al
        jmp $
wtriple: lidt [.none]
        int3
.none:  dw 0
        dd 0
wreset: jmp 0f000h:0fff0h
wwarm:  mov word [472h], 1234h
        jmp 0ffffh:0
