; SPDX-License-Identifier: MIT
; Mode 12h by the planes: lines with write modes 0, 2 and 3, set/reset, latches; text in graphics; read mode 1.
%include "boot.inc"
        mov ax, 12h
        int 10h
        mov ax, 0a000h
        mov es, ax
        mov dx, 3c4h                    ; write mode 0, all planes, a bar
        mov ax, 0f02h
        out dx, ax
        mov dx, 3ceh
        mov ax, 0500h                   ; set/reset 5
        out dx, ax
        mov ax, 0f01h
        out dx, ax
        mov di, 80*100
        mov cx, 80*10
        mov al, 0ffh
        rep stosb
        mov ax, 0001h
        out dx, ax
        mov ax, 0205h                   ; write mode 2
        out dx, ax
        mov ax, 3c08h                   ; bit mask
        out dx, ax
        mov cx, 80
        mov di, 80*105
.two:   mov al, [es:di]
        mov byte [es:di], 0eh
        inc di
        loop .two
        mov ax, 0ff08h
        out dx, ax
        mov ax, 0105h                   ; write mode 1: copy by the latches
        out dx, ax
        push ds
        push es
        pop ds
        mov si, 80*100
        mov di, 80*200
        mov cx, 80*10
        rep movsb
        pop ds
        mov ax, 0005h
        out dx, ax
        mov ah, 2
        mov bh, 0
        mov dx, 0a05h
        int 10h
        mov si, .text
.put:   lodsb
        test al, al
        jz .sum
        mov ah, 0eh
        mov bx, 0bh
        int 10h
        jmp .put
.text:  db 'graphics', 0
.sum:   mov dx, 3ceh
        xor bx, bx
.plane: mov al, 4                       ; read map select
        mov ah, bl
        out dx, ax
        push ds
        push es
        pop ds
        xor si, si
        mov cx, 80*480
        call checksum
        pop ds
        mov [sums+ebx*4], eax
        inc bx
        cmp bx, 4
        jb .plane
        mov ax, 0805h                   ; read mode 1: where is colour 5?
        out dx, ax
        mov ax, 0502h
        out dx, ax
        mov ax, 0f07h
        out dx, ax
        mov al, [es:80*101]
        push ax
        mov al, [es:80*105]
        push ax
        mov ax, 3
        int 10h
        pop ax
        call hex8
        pop ax
        call hex8
        mov bx, 0
.show:  mov eax, [sums+ebx*4]
        say ' '
        call hex32
        inc bx
        cmp bx, 4
        jb .show
        done
sums:   dd 0, 0, 0, 0
