; SPDX-License-Identifier: MIT
; A boot floppy that shows what its PS/2 mouse does, by the BIOS' device handler (INT 15h AH=C2h): a line for each packet,
; `pointer: STATUS X Y` as the packet has them, in decimal. `pointer: ready` is the first line.
        %include "boot.inc"

main:   mov ax, 0c205h                  ; initialise, packets of 3 bytes
        mov bh, 3
        int 15h
        jc .none
        mov ax, 0c207h
        mov bx, handler
        push cs
        pop es
        int 15h
        mov ax, 0c200h
        mov bh, 1
        int 15h
        jc .none
        say "pointer: ready", 10
.wait:  sti
        hlt
        cli
        cmp byte [packet.new], 0
        je .wait
        say "pointer: "
        movzx eax, byte [packet.status]
        call put_decimal
        say " "
        movzx eax, byte [packet.x]
        call put_decimal
        say " "
        movzx eax, byte [packet.y]
        call put_decimal
        say 10
        mov byte [packet.new], 0
        jmp .wait
.none:  say "pointer: no mouse", 10
        hlt

; On the stack above the far return: 0, Y, X, the packet's first byte, a word each.
handler: push bp
        mov bp, sp
        push ax
        mov al, [bp + 12]
        mov [cs:packet.status], al
        mov al, [bp + 10]
        mov [cs:packet.x], al
        mov al, [bp + 8]
        mov [cs:packet.y], al
        mov byte [cs:packet.new], 1
        pop ax
        pop bp
        retf

packet:
.new    db 0
.status db 0
.x      db 0
.y      db 0
        boot_end
