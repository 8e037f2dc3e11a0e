; SPDX-License-Identifier: MIT
; Reads the keyboard at port 60h without the BIOS: IRQ 1 masked, LED commands, echo, scan-code set, typematic.
; keys after "codes:": qW<up>7<esc>
%include "boot.inc"
        cli
        in al, 21h
        or al, 2
        out 21h, al
        sti
        mov al, 0eeh                    ; echo
        call command
        mov al, 0edh                    ; LEDs
        call command
        mov al, 2
        call command
        mov al, 0f0h                    ; which scan-code set?
        call command
        mov al, 0
        call command
        call byte_in
        call hex8
        mov al, 0f2h                    ; identify
        call command
        call byte_in
        call hex8
        call byte_in
        call hex8
        mov al, 0f3h
        call command
        mov al, 20h
        call command
        mov al, 0c1h                    ; no such command
        call command
        call newline
        say 'codes:'
.next:  call byte_in
        push ax
        say ' '
        pop ax
        call hex8
        cmp al, 81h
        jne .next
        done
command: push ax
.full:  in al, 64h
        test al, 2
        jnz .full
        pop ax
        out 60h, al
        call byte_in
        call hex8
        push ax
        say ' '
        pop ax
        ret
byte_in: in al, 64h
        test al, 1
        jz byte_in
        in al, 60h
        ret
