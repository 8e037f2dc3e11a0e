; SPDX-License-Identifier: MIT
; Copies to extended memory and back by INT 15h AH=87h; then the same by unreal mode, with interrupts and BIOS calls.
%include "boot.inc"
        mov byte [table+32-16+2], 0
        mov si, table
        mov cx, 256
        mov ah, 87h
        int 15h
        jnc .up
        say 'CF '
.up:    call hex8
        mov dword [table+16+2], 93200000h   ; from 2 MiB
        mov dword [table+24+2], 93020000h   ; to 128 KiB
        mov si, table
        mov cx, 256
        mov ah, 87h
        int 15h
        jnc .down
        say 'CF '
.down:  call hex8
        mov ax, 2000h
        mov es, ax
        mov si, 7c00h
        xor di, di
        mov cx, 512
        repe cmpsb
        je .same
        say ' BAD copy'
.same:  call newline
        ; unreal mode
        cli
        push ds
        lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp $+2
        mov bx, 8
        mov ds, bx
        mov es, bx
        and al, 0feh
        mov cr0, eax
        jmp 0:.real
.real:  xor ax, ax
        mov es, ax
        pop ds
        sti
        mov eax, [dword 200000h]
        call hex32
        say ' unreal', 13, 10
        mov edi, 300000h
        mov ecx, 4096
        mov eax, 5a5a1234h
        a32 rep stosd
        mov ah, 2
        int 16h
        hlt
        mov eax, 5a5a1234h
        mov ecx, 4096
        mov edi, 300000h
        a32 repe scasd
        je .kept
        say 'BAD '
.kept:  mov ax, 0201h                   ; a BIOS may reset the limits; it may not break what follows
        mov cx, 1
        mov dx, 0
        mov dl, [drive]
        mov bx, 9000h
        int 13h
        jnc .read
        say 'CF '
.read:  mov eax, [dword 300ffch]
        call hex32
        done
table:  dq 0, 0
        dw 0ffffh
        db 00h, 7ch, 00h, 93h, 0, 0     ; from 7C00h
        dw 0ffffh
        db 00h, 00h, 20h, 93h, 0, 0     ; to 2 MiB
        dq 0, 0
gdt:    dq 0, 00cf92000000ffffh
gdtr:   dw 15
        dd gdt
