; SPDX-License-Identifier: MIT
; Text by all the calls of INT 10h: cursor, attributes, scrolling of windows, pages, strings, colours.
%include "boot.inc"
        mov ax, 0600h
        mov bh, 1eh
        mov cx, 0205h
        mov dx, 0a28h
        int 10h
        mov bp, text
        mov ax, 1301h
        mov bx, 002fh
        mov cx, 11
        mov dx, 0306h
        int 10h
        mov ax, 1303h
        mov bx, 0
        mov cx, 3
        mov dx, 0406h
        mov bp, coloured
        int 10h
        mov ah, 2
        mov bh, 0
        mov dx, 0606h
        int 10h
        mov ax, 092ah
        mov bx, 004fh
        mov cx, 20
        int 10h
        mov ax, 0a2bh
        mov bx, 0
        mov cx, 3
        int 10h
        mov ax, 0601h                   ; up by one, down by two
        mov bh, 70h
        mov cx, 0306h
        mov dx, 0814h
        int 10h
        mov ax, 0702h
        mov bh, 07h
        mov cx, 0410h
        mov dx, 0930h
        int 10h
        mov ah, 3
        mov bh, 0
        int 10h
        mov ax, cx
        mov bx, dx
        push ax
        mov ah, 2
        mov bh, 0
        push dx
        mov dx, 0c00h
        int 10h
        pop ax
        call hex16
        pop ax
        call hex16
        mov ah, 8
        mov bh, 0
        int 10h
        call hex16
        mov ah, 2
        mov bh, 0
        mov dx, 0506h
        int 10h
        mov ah, 8
        mov bh, 0
        int 10h
        mov bx, ax
        mov ah, 2
        push bx
        mov bh, 0
        mov dx, 0d00h
        int 10h
        pop ax
        call hex16
        mov ax, 0501h                   ; page 1 shows a text, page 0 comes back
        int 10h
        mov ah, 0eh
        mov al, 'P'
        mov bx, 0100h
        int 10h
        mov ah, 0fh
        int 10h
        push ax
        push bx
        mov ax, 0500h
        int 10h
        pop ax
        call hex16
        pop ax
        call hex16
        mov dx, 174fh                   ; the last columns: a newline scrolls
        mov ah, 2
        mov bh, 0
        int 10h
        say 'ab', 13, 10, 'cd', 13, 10, 8, 8, 'e', 7
        mov ax, 1003h
        mov bx, 0
        int 10h
        mov ax, 1a00h
        int 10h
        call hex16
        mov ah, 12h
        mov bl, 10h
        int 10h
        mov ax, bx
        call hex16
        mov ax, 1130h
        mov bh, 6
        int 10h
        mov ax, cx
        call hex16
        mov al, dl
        call hex8
        mov al, [484h]
        call hex8
        mov ax, [44ah]
        call hex16
        mov ax, [44ch]
        call hex16
        mov ax, [463h]
        call hex16
        say ' '
        done
text:   db 'INT 10h 13h'
coloured: db 'r', 4ch, 'g', 2ah, 'b', 19h
