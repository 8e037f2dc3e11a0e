; SPDX-License-Identifier: MIT
; Uses every function of an XMS 3.0 driver, and looks behind it: A20 wraps or not, moved bytes are where they should be.
%include "dos.inc"
%include "must.inc"
%macro xms 1                            ; function AH, which has to succeed
        mov ah, %1
        call far [entry]
        cmp ax, 1
%assign place place + 1
        mov cx, place
        jne bad
%endmacro
%macro refused 2                        ; AH, and the error that it has to give
        mov ah, %1
        call far [entry]
        test ax, ax
%assign place place + 1
        mov cx, place
        jnz bad
        cmp bl, %2
        jne bad
%endmacro
%macro a20_must 1
        mov ah, 7
        call far [entry]
        cmp al, %1
        must e
        call wraps
        cmp al, 1 - %1
        must e
%endmacro
        mov ax, 4300h
        int 2fh
        cmp al, 80h
        je .there
        fail 'XMSTEST: no driver'
.there: mov ax, 4310h
        int 2fh
        mov [entry], bx
        mov [entry+2], es
        cmp word [es:bx], 03ebh         ; JMP SHORT, so that others can hook it
        must e
        push cs
        pop es
        mov ah, 0
        call far [entry]
        cmp ax, 300h
        must ae
        cmp dx, 1
        must e
        mov ah, 88h                     ; extended memory is the driver's
        int 15h
        test ax, ax
        must z

        a20_must 0
        xms 5
        a20_must 1
        xms 5
        refused 6, 94h
        a20_must 1
        xms 6
        a20_must 0
        xms 3
        a20_must 1
        xms 4
        a20_must 0

        mov dx, -1                      ; the high memory area keeps what it has while A20 is off
        xms 1
        mov dx, -1
        refused 1, 91h
        xms 3
        push word -1
        pop es
        mov di, 10h
        mov ax, 0c35ah
        mov cx, 32760
        rep stosw
        xms 4
        cmp word [es:510h], 0c35ah      ; 0:500
        must ne
        xms 3
        mov di, 10h
        mov ax, 0c35ah
        mov cx, 32760
        repe scasw
        must e
        push cs
        pop es
        xms 4
        xms 2
        refused 2, 93h

        mov ah, 88h
        mov bl, -1
        call far [entry]
        mov [largest], eax
        mov [total], edx
        cmp bl, 0
        must e
        cmp eax, edx
        must be
        mov edx, 65 * 1024              ; more than XMS 2.0 and INT 15h AH=88h know of
        cmp edx, eax
        must b
        xms 89h
        mov [big], dx
        mov dx, 100
        xms 9
        mov [small], dx
        mov dx, 0
        xms 9
        mov [empty], dx
        mov edx, [largest]
        refused 89h, 0a0h
        mov dx, [big]
        mov ah, 8eh
        call far [entry]
        cmp edx, 65 * 1024
        must e
        cmp bh, 0
        must e
        mov dx, [small]
        mov ah, 0eh
        call far [entry]
        cmp dx, 100
        must e

        mov di, buffer                  ; there and back: 60 KiB less a little, to 64 MiB of the big one
        mov cx, 7000
        mov eax, 12345678h
.fill:  stosd
        imul eax, eax, 69069
        inc eax
        loop .fill
        mov dword [m.length], 28000
        mov word [m.from], 0
        mov word [m.from_at], buffer
        mov word [m.from_at+2], ds
        mov ax, [big]
        mov [m.to], ax
        mov dword [m.to_at], 64 << 20
        mov si, m
        xms 0bh
        mov ax, [big]                   ; block to block, odd address
        mov [m.from], ax
        mov dword [m.from_at], 64 << 20
        mov ax, [small]
        mov [m.to], ax
        mov dword [m.to_at], 12345
        xms 0bh
        mov ax, [small]                 ; overlapping, downwards
        mov [m.from], ax
        mov dword [m.from_at], 12345
        mov [m.to], ax
        mov dword [m.to_at], 12001
        xms 0bh
        mov dword [m.from_at], 12001
        mov word [m.to], 0
        mov word [m.to_at], back
        mov word [m.to_at+2], ds
        xms 0bh
        mov si, buffer
        mov di, back
        mov cx, 14000
        repe cmpsw
        must e
        mov si, m
        a20_must 0

        mov dword [m.length], 27999
        refused 0bh, 0a7h
        mov dword [m.length], 28000
        mov dword [m.from_at], 100 * 1024 - 27998
        refused 0bh, 0a7h
        mov dword [m.from_at], 100 * 1024 + 2
        refused 0bh, 0a4h
        mov word [m.from], 3
        refused 0bh, 0a3h
        mov dx, 7
        refused 0ah, 0a2h

        mov dx, [small]                 ; where it is: the BIOS moves the same bytes from there
        xms 0ch
        mov [linear], bx
        mov [linear+2], dx
        mov dx, [small]
        refused 0ah, 0abh
        mov dx, [small]
        mov bx, 120
        refused 0fh, 0abh
        mov eax, [linear]
        add eax, 12001
        mov [table+10h+2], eax
        mov byte [table+10h+5], 93h
        shr eax, 24
        mov [table+10h+7], al
        mov eax, ds
        shl eax, 4
        add eax, back
        mov [table+18h+2], eax
        mov byte [table+18h+5], 93h
        mov di, back
        mov cx, 14000
        xor ax, ax
        rep stosw
        mov si, table
        mov cx, 14000
        mov ah, 87h
        int 15h
        must nc
        cmp ah, 0
        must e
        call same
        a20_must 0

        mov dx, [small]
        xms 0dh
        mov dx, [small]
        refused 0dh, 0aah
        mov dx, [small]
        mov bx, 2000
        xms 0fh
        mov ax, [small]
        mov [m.from], ax
        mov dword [m.from_at], 12001
        mov di, back
        mov cx, 14000
        rep stosw
        mov si, m
        xms 0bh
        call same
        mov dx, [big]
        mov ebx, 10
        xms 8fh
        mov ax, 0
        mov dx, 1000
        mov ah, 10h                     ; upper memory: there is none
        call far [entry]
        test ax, ax
        must z
        test bl, 80h
        must nz

        mov dx, [big]
        xms 0ah
        mov dx, [small]
        xms 0ah
        mov dx, [empty]
        xms 0ah
        mov ah, 88h
        call far [entry]
        cmp eax, [largest]
        must e
        cmp edx, [total]
        must e
        say 'XMSTEST: ok', 13, 10
        quit 0
        must_fails 'XMSTEST'
same:   push cs
        pop es
        mov si, buffer
        mov di, back
        mov cx, 14000
        repe cmpsw
        must e
        ret
align 4
entry:  dd 0
largest: dd 0
total:  dd 0
linear: dd 0
big:    dw 0
small:  dw 0
empty:  dw 0
m:
.length: dd 0
.from:  dw 0
.from_at: dd 0
.to:    dw 0
.to_at: dd 0
table:  times 16 db 0
        dw 0ffffh, 0, 9300h, 0, 0ffffh, 0, 9300h, 0
        times 16 db 0
buffer  equ $
back    equ $ + 28000
