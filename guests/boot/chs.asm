; SPDX-License-Identifier: MIT
; Reads a floppy by cylinder, head and sector: one sector, a track, errors; geometry; the disk's parameter table.
%include "boot.inc"
        mov ah, 8
        mov dl, [drive]
        xor di, di
        mov es, di
        int 13h
        pushf
        say 'geometry CX='
        mov ax, cx
        call hex16
        say ' DX='
        mov ax, dx
        call hex16
        say ' BL='
        mov al, bl
        call hex8
        popf
        call result
        xor ax, ax
        mov es, ax
        mov ah, 15h
        mov dl, [drive]
        int 13h
        pushf
        say '~type '
        mov al, ah
        call hex8
        popf
        call result
        ; each of the reads in the table: sectors, CX, DH, buffer
        mov di, reads
.next:  mov ax, [di]
        cmp ax, -1
        je .end
        say 'read '
        call hex8
        say ' of '
        mov ax, [di+2]
        call hex16
        say '/'
        mov al, [di+4]
        call hex8
        push word [di+6]
        pop es
        xor bx, bx
        push di
        push cx
        mov cx, 9000
        xor di, di
        mov al, 0cch
        rep stosb
        pop cx
        pop di
        mov al, [di]
        mov ah, 2
        mov cx, [di+2]
        mov dh, [di+4]
        mov dl, [drive]
        int 13h
        pushf
        say ' AX='
        call hex16
        push ds
        push es
        pop ds
        xor si, si
        mov cx, 9000
        call checksum
        pop ds
        say ' sum '
        call hex32
        popf
        call result
        add di, 8
        jmp .next
.end:   mov ah, 1
        mov dl, [drive]
        int 13h
        say 'last status '
        mov al, ah
        call hex8
        call newline
        mov ax, 0410h
        mov cx, 1
        mov dh, 1
        mov dl, [drive]
        int 13h
        pushf
        say 'verify AX='
        call hex16
        popf
        call result
        xor ax, ax
        mov ds, ax
        les bx, [1eh*4]
        say 'table '
        mov al, [es:bx+3]
        call hex8
        mov al, [es:bx+4]
        call hex8
        call newline
        done
result: jnc .no
        say ' CF'
.no:    call newline
        ret
reads:  dw 1, 0001h, 0, 1000h
        dw 17, 0002h, 0, 1000h
        dw 18, 0101h, 1, 1000h
        dw 1, 4f12h, 1, 1000h
        dw 1, 0013h, 0, 1000h           ; sector 19
        dw 1, 5101h, 0, 1000h           ; cylinder 81
        dw 1, 0001h, 2, 1000h           ; head 2
        dw 0, 0001h, 0, 1000h
        dw -1
