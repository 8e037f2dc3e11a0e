; SPDX-License-Identifier: MIT
; Plays a scale as games do: counter 2 in mode 3, port 61h; waits by INT 15h AH=86h and by ticks.
%include "boot.inc"
        mov si, notes
.next:  lodsw
        test ax, ax
        jz .end
        mov bx, ax
        mov al, 0b6h
        out 43h, al
        mov al, bl
        out 42h, al
        mov al, bh
        out 42h, al
        in al, 61h
        or al, 3
        out 61h, al
        mov cx, 0
        mov dx, 20000
        mov ah, 86h
        int 15h
        jnc .waited
        say 'BAD wait '
.waited: in al, 61h
        and al, 0fh
        call hex8
        in al, 61h
        and al, 0fch
        out 61h, al
        jmp .next
.end:   in al, 61h                      ; refresh toggles
        and al, 10h
        mov ah, al
        mov cx, 60000
.toggle: in al, 61h
        and al, 10h
        cmp al, ah
        jne .fine
        loop .toggle
        say 'BAD refresh'
.fine:  mov ah, 0
        int 1ah
        mov bx, dx
.tick:  mov ah, 0
        int 1ah
        sub dx, bx
        cmp dx, 3
        jb .tick
        done
notes:  dw 4560, 4063, 3619, 3416, 3043, 2711, 2415, 2280, 0
