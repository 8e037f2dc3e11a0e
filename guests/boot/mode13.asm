; SPDX-License-Identifier: MIT
; A plasma in mode 13h with its own palette; afterwards back to text with a sum of what was in video memory.
%include "boot.inc"
        mov ax, 13h
        int 10h
        mov dx, 3c8h
        mov al, 0
        out dx, al
        inc dx
        mov cx, 256
        xor bl, bl
.pal:   mov al, bl
        shr al, 2
        out dx, al
        mov al, bl
        and al, 3fh
        out dx, al
        mov al, 3fh
        sub al, bl
        and al, 3fh
        out dx, al
        inc bl
        loop .pal
        mov ax, 0a000h
        mov es, ax
        mov byte [frame], 0
.frame: xor di, di
        xor dx, dx
.row:   xor cx, cx
.column: mov ax, cx
        imul ax, dx
        shr ax, 5
        add al, cl
        xor al, dl
        add al, [frame]
        stosb
        inc cx
        cmp cx, 320
        jb .column
        inc dx
        cmp dx, 200
        jb .row
        inc byte [frame]
        cmp byte [frame], 5
        jb .frame
        push ds
        push es
        pop ds
        xor si, si
        mov cx, 64000
        call checksum
        pop ds
        push eax
        mov ax, 0c07h                   ; the BIOS puts and gets a pixel
        mov cx, 319
        mov dx, 199
        mov bh, 0
        int 10h
        mov ax, 0d00h
        int 10h
        push ax
        mov dx, 3c7h
        mov al, 77
        out dx, al
        mov dx, 3c9h
        in al, dx
        mov bl, al
        in al, dx
        mov bh, al
        mov ah, 0fh
        push bx
        int 10h
        push ax
        mov ax, 3
        int 10h
        say 'mode '
        pop ax
        call hex16
        say ' colour '
        pop ax
        call hex16
        say ' pixel '
        pop ax
        call hex8
        say ' sum '
        pop eax
        call hex32
        done
frame:  db 0
