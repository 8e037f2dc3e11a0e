; SPDX-License-Identifier: MIT
; A hard disk by INT 13h: geometry, extensions, reads of all kinds and what they answer to nonsense. (disk: hda)
%include "boot.inc"
        mov ah, 8
        mov dl, 80h
        int 13h
        call result
        mov ax, cx
        call hex16
        mov ax, dx
        call hex16
        say ' 15h '
        mov ah, 15h
        mov dl, 80h
        int 13h
        call result
        mov ax, cx
        call hex16
        mov ax, dx
        call hex16
        call newline
        mov ah, 41h
        mov bx, 55aah
        mov dl, 80h
        int 13h
        jc .none
        say '41h '
        mov ax, bx
        call hex16
        mov ax, cx
        and ax, 1
        call hex16
        mov si, 9000h
        mov word [si], 26
        mov ah, 48h
        mov dl, 80h
        int 13h
        call result
        mov eax, [9000h+16]
        call hex32
        mov ax, [9000h+24]
        call hex16
        call newline
        mov di, packets
.next:  cmp byte [di], 0ffh
        je .end
        mov si, di
        mov ah, 42h
        mov dl, 80h
        int 13h
        call result
        jc .failed
        mov ax, [di+2]
        call hex16
.failed:
        push ds
        mov ax, 2000h
        mov ds, ax
        xor si, si
        mov cx, 8192
        call checksum
        pop ds
        say ' '
        call hex32
        call newline
        push di
        mov ax, 2000h
        mov es, ax
        xor di, di
        mov cx, 8192
        mov al, 33h
        rep stosb
        pop di
        add di, 16
        jmp .next
.end:   mov ah, 42h
        mov dl, 81h                     ; no such drive
        mov si, packets
        int 13h
        call result
        mov ah, 44h
        mov dl, 80h
        mov si, packets
        int 13h
        call result
        mov ah, 9
        mov dl, 80h
        int 13h
        call result
        mov ah, 10h
        mov dl, 80h
        int 13h
        call result
        mov ah, 0
        mov dl, 80h
        int 13h
        call result
        mov ax, 0201h                   ; cylinder that is not there
        mov cx, 0ffc1h
        mov dx, 0ff80h
        mov bx, 9000h
        int 13h
        call result
        mov ax, 02ffh                   ; 255 sectors
        mov cx, 1
        mov dx, 80h
        xor bx, bx
        int 13h
        call result
        mov ax, 0200h
        mov cx, 1
        mov dx, 80h
        int 13h
        call result
        call newline
        mov al, [475h]                  ; how many
        call hex8
        done
.none:  say 'no extensions'
        done
result: pushf
        push ax
        mov al, ah
        call hex8
        pop ax
        popf
        jnc .good
        say ' CF'
.good:  say ' '
        ret
align 4
packets: db 16, 0, 1, 0
        dd 20000000h, 0, 0
        db 16, 0, 16, 0
        dd 20000000h, 1, 0
        db 16, 0, 127, 0
        dd 20000000h, 10, 0
        db 16, 0, 1, 0
        dd 20000000h, 07fffffffh, 0     ; past the end
        db 16, 0, 1, 0
        dd 20000000h, 0, 1
        db 16, 0, 0, 0
        dd 20000000h, 0, 0
        db 0ffh
