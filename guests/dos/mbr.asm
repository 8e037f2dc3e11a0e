; SPDX-License-Identifier: MIT
; The master boot record of guests/freedos.sh' disk: loads the first sector of the active partition and jumps there, with the
; drive in DL and its entry at DS:SI. The disk's one partition is CYLINDERS of 16 heads and 63 sectors less the first track.
bits 16
org 600h
HEADS     equ 16
SECTORS   equ 63
LOADED_AT equ 7c00h

start:  cli
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, LOADED_AT
        cld
        mov     si, sp
        mov     di, start
        mov     cx, 256
        rep     movsw
        jmp     0:moved
moved:  sti
        mov     si, table
.entry: test    byte [si], 80h
        jnz     .active
        add     si, 16
        cmp     si, table + 64
        jb      .entry
        mov     si, none
        jmp     fail
.active:
        mov     eax, [si + 8]
        mov     [packet.lba], eax
        push    si
        mov     si, packet
        mov     ah, 42h
        int     13h
        pop     si
        jc      .unreadable
        cmp     word [LOADED_AT + 510], 0aa55h
        mov     di, none
        jne     .fail
        jmp     0:LOADED_AT
.unreadable:
        mov     di, unreadable
.fail:  mov     si, di

fail:   lodsb
        test    al, al
        jz      .halt
        mov     ah, 0eh
        mov     bx, 7
        int     10h
        jmp     fail
.halt:  sti
        hlt
        jmp     .halt

none:       db "No partition to boot from", 13, 10, 0
unreadable: db "The boot partition cannot be read", 13, 10, 0
packet:     db 16, 0
            dw 1, LOADED_AT, 0
.lba:       dq 0

        times 446 - ($ - $$) db 0
table:  db      80h, 1, 1, 0            ; active, from head 1, sector 1 of cylinder 0
        db      04h                     ; FAT16 of less than 32 MiB
        db      HEADS - 1, SECTORS, CYLINDERS - 1
        dd      SECTORS, CYLINDERS * HEADS * SECTORS - SECTORS
        times 510 - ($ - $$) db 0
        dw      0aa55h
