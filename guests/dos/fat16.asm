; SPDX-License-Identifier: MIT
; The boot sector of a FAT16 partition with FreeDOS: loads \KERNEL.SYS to 0060:0000 and jumps there with the drive in BL, as
; that kernel wants it. mformat fills in the parameter block.
bits 16
org 7c00h
SEGMENT_AT equ 1fe0h                    ; where the sector moves to: behind all that is loaded
KERNEL_AT  equ 60h
BUFFER     equ 7e00h                    ; a sector: of the root directory, then of the FAT

start:  jmp     short code
        nop
        times 13 - ($ - $$) db 0
cluster_sectors:   db 0
reserved_sectors:  dw 0
fats:              db 0
root_entries:      dw 0
        times 22 - ($ - $$) db 0
fat_sectors:       dw 0
        times 28 - ($ - $$) db 0
hidden_sectors:    dd 0
        times 36 - ($ - $$) db 0
drive:             db 0
        times 62 - ($ - $$) db 0

code:   cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     ax, SEGMENT_AT
        mov     es, ax
        mov     si, start
        mov     di, si
        mov     cx, 256
        rep     movsw
        jmp     SEGMENT_AT:moved
moved:  mov     ds, ax
        mov     ss, ax
        mov     sp, start
        sti
        mov     [drive], dl

        movzx   eax, byte [fats]        ; EBP: the root directory's first sector
        movzx   ebp, word [fat_sectors]
        imul    ebp, eax
        movzx   eax, word [reserved_sectors]
        add     ebp, eax
        movzx   ecx, word [root_entries]
        shr     cx, 4                   ; its sectors
        lea     edx, [ebp + ecx]        ; EDX: cluster 2

.find:  mov     eax, ebp
        call    buffer_read
        mov     di, BUFFER
.entry: pusha
        mov     si, name
        mov     cx, 11
        repe    cmpsb
        popa
        je      .found
        add     di, 32
        cmp     di, BUFFER + 512
        jb      .entry
        inc     ebp
        loop    .find
        jmp     fail

.found: mov     si, [di + 26]           ; SI: cluster
        xor     ebp, ebp                ; EBP: the FAT's sector in the buffer, 0: none
        push    word KERNEL_AT
        pop     es
.cluster:
        movzx   eax, si
        sub     eax, 2
        movzx   ecx, byte [cluster_sectors]
        imul    eax, ecx
        add     eax, edx
.sector:
        xor     bx, bx
        call    read
        mov     bx, es
        add     bx, 512 / 16
        mov     es, bx
        inc     eax
        loop    .sector
        movzx   eax, si
        shr     ax, 8
        add     ax, [reserved_sectors]
        cmp     eax, ebp
        je      .next
        mov     ebp, eax
        push    es
        push    ds
        pop     es
        call    buffer_read
        pop     es
.next:  and     si, 0ffh
        add     si, si
        mov     si, [si + BUFFER]
        cmp     si, 0fff8h
        jb      .cluster
        mov     bl, [drive]
        jmp     KERNEL_AT:0

; The partition's sector EAX to ES:BX, or to the buffer. Keep all registers but BX.
buffer_read:
        mov     bx, BUFFER
read:   pushad
        push    dword 0
        add     eax, [hidden_sectors]
        push    eax
        push    es
        push    bx
        push    word 1
        push    word 16
        mov     si, sp
        mov     dl, [drive]
        mov     ah, 42h
        int     13h
        jc      fail
        add     sp, 16
        popad
        ret

fail:   mov     si, text
.char:  lodsb
        test    al, al
        jz      .halt
        mov     ah, 0eh
        mov     bx, 7
        int     10h
        jmp     .char
.halt:  sti
        hlt
        jmp     .halt
name:   db      "KERNEL  SYS"
text:   db      "KERNEL.SYS cannot be loaded", 13, 10, 0
        times 510 - ($ - $$) db 0
        dw      0aa55h
