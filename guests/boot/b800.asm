; SPDX-License-Identifier: MIT
; Writes into the memory of the text screen: fill, colours, scrolling by MOVSW, the cursor's registers, page 1.
org 7c00h
bits 16
        jmp 0:start
start:  xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7c00h
        mov ax, 3
        int 10h
        mov ax, 0b800h
        mov es, ax
        xor di, di
        mov ax, 1fb0h
        mov cx, 80*25
        cld
        rep stosw
        mov di, 160*3+20
        mov cx, 0
.chars: mov al, cl                      ; the 64 printable characters from 20h on
        add al, 20h
        mov ah, cl
        mov [es:di], ax
        add di, 2
        inc cx
        cmp cx, 64
        jb .chars
        push ds
        push es
        pop ds
        mov si, 160*3                   ; scroll by a line, upwards
        mov di, 160*2
        mov cx, 160/2
        rep movsw
        mov si, 160*2+158               ; and a copy backwards
        mov di, 160*6+158
        std
        mov cx, 80
        rep movsw
        cld
        mov eax, [160*2+20]
        xchg eax, [160*8]
        or dword [160*8+4], 07000700h
        inc byte [160*8]
        pop ds
        mov dx, 3d4h
        mov ax, 0a20h
        out dx, ax                      ; no cursor
        mov dx, 3dah
        in al, dx
.retr:  in al, dx
        test al, 8
        jz .retr
        mov si, text
        mov di, 160*12
        mov ah, 4eh
.put:   lodsb
        test al, al
        jz $
        stosw
        jmp .put
text:   db 'direct to b800: done', 0
        times 510-($-$$) db 0
        dw 0aa55h
