; SPDX-License-Identifier: MIT
; Shows what INT 16h gives for what is typed, until Escape; shift state; the buffer's pointers afterwards.
; keys after "keys:": aZ1!<f1><f12><up><c-c><a-x><tab><del><enter><esc>
%include "boot.inc"
        say 'keys:'
.next:  mov ah, 11h
        int 16h
        jz .next
        mov dx, ax
        mov ah, 10h
        int 16h
        cmp ax, dx
        je .same
        say ' peeked otherwise'
.same:  push ax
        say ' '
        pop ax
        call hex16
        cmp al, 27
        jne .next
        call newline
        mov ah, 2
        int 16h
        say 'shift '
        call hex8
        call newline
        mov ah, 1
        int 16h
        jz .empty
        say 'not empty'
.empty: mov ax, [41ah]
        cmp ax, [41ch]
        je .fine
        say 'pointers differ'
.fine:  mov ax, 0500h                   ; put one and read it back with the old call
        mov ah, 5
        mov cx, 1c0dh
        int 16h
        call hex8
        mov ah, 0
        int 16h
        call hex16
        done
