; SPDX-License-Identifier: MIT
; Files: create, write more than a cluster, seek, read, rename, find, delete; a directory; the date of a file.
%include "dos.inc"
        say 'FILE: '
        mov ah, 3ch
        xor cx, cx
        mov dx, name
        int 21h
        jc bad
        mov bx, ax
        mov bp, 40
.write: mov di, buffer
        mov ax, bp
        mov cx, 256
        rep stosw
        mov ah, 40h
        mov cx, 512
        mov dx, buffer
        int 21h
        jc bad
        cmp ax, 512
        jne bad
        dec bp
        jnz .write
        mov ax, 4200h                   ; to sector 10
        xor cx, cx
        mov dx, 5120
        int 21h
        jc bad
        mov ah, 3fh
        mov cx, 512
        mov dx, buffer
        int 21h
        jc bad
        cmp word [buffer+100], 30
        jne bad
        mov ax, 4202h
        xor cx, cx
        xor dx, dx
        int 21h
        cmp ax, 40*512
        jne bad
        mov ax, 5700h
        int 21h
        jc bad
        mov ah, 3eh
        int 21h
        jc bad
        mov dx, folder
        mov ah, 39h
        int 21h
        jc bad
        mov dx, name
        mov di, moved
        mov ah, 56h
        int 21h
        jc bad
        mov dx, pattern
        mov cx, 0
        mov ah, 4eh
        int 21h
        jc bad
        cmp word [9ah], 40*512          ; the size in the DTA
        jne bad
        mov dx, moved
        mov ah, 41h
        int 21h
        jc bad
        mov dx, folder
        mov ah, 3ah
        int 21h
        jc bad
        mov dx, name
        mov ax, 3d00h
        int 21h
        jnc bad
        say 'ok', 13, 10
        quit 0
bad:    fail 'wrong'
name:   db 'TEST.DAT', 0
folder: db 'SUB', 0
moved:  db 'SUB\MOVED.DAT', 0
pattern: db 'SUB\M*.*', 0
buffer: times 512 db 0
