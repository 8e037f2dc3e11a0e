; SPDX-License-Identifier: MIT
; The BIOS from 16-bit protected mode: APM by its 16-bit interface, and Plug and Play, in real mode too. (SeaBIOS does not
; come back from either, no reference)
%include "boot.inc"

main:   mov ax, 5304h                   ; whoever is connected
        xor bx, bx
        int 15h
        mov ax, 5302h
        xor bx, bx
        int 15h
        jnc .connected
        say 'BAD', 13, 10
        done
.connected:
        mov [apm], bx
        movzx eax, ax
        shl eax, 4
        or [gdt + 8 + 2], eax
        movzx ecx, cx
        shl ecx, 4
        or [gdt + 16 + 2], ecx
        mov ax, 0f000h
        mov es, ax
        xor di, di
.find:  cmp dword [es:di], '$PnP'
        je .found
        add di, 16
        jnz .find
        say 'BAD', 13, 10
        done
.found: mov al, 0
        movzx cx, byte [es:di + 5]
        mov si, di
.sum:   add al, [es:si]
        inc si
        loop .sum
        test al, al
        call good
        cmp byte [es:di + 5], 21h
        call good
        mov eax, [es:di + 0dh]
        mov [entry], eax
        push word 0f000h                ; BiosSelector
        push word 0                     ; nothing else
        push word 60h                   ; get the version
        call far [entry]
        add sp, 6
        cmp ax, 82h                     ; no function is supported
        call good
        mov ax, [es:di + 11h]
        mov [pnp], ax
        mov eax, [es:di + 13h]
        or [gdt + 24 + 2], eax
        xor ax, ax
        mov es, ax

        to_protected 40
        mov ax, 48
        mov ds, ax
        mov ss, ax
        mov es, ax
        mov word [apm + 2], 8
        mov word [pnp + 2], 24
        push word 0f000h
        push word 0
        push word 60h
        call far [pnp]
        add sp, 6
        mov [answers], ax
        mov ax, 530ah                   ; power status of all
        mov bx, 1
        call far [apm]
        setc [answers + 2]
        mov [answers + 4], bx
        mov ax, 530bh                   ; no event
        call far [apm]
        setc [answers + 3]
        mov [answers + 6], ah
        mov ax, 5380h                   ; nothing known
        mov bx, 0
        call far [apm]
        setc [answers + 7]
        mov ax, 5304h                   ; disconnect
        mov bx, 0
        call far [apm]
        setc [answers + 8]
        to_real
        cmp word [answers], 82h
        call good
        cmp byte [answers + 2], 0       ; the power status, on line
        call good
        cmp byte [answers + 5], 1
        call good
        cmp byte [answers + 3], 1       ; no event
        call good
        cmp byte [answers + 6], 80h
        call good
        cmp byte [answers + 7], 1
        call good
        cmp byte [answers + 8], 0
        call good
        mov ax, 5301h                   ; so that it can be connected again
        xor bx, bx
        int 15h
        mov al, 0
        adc al, 0
        call good
        done

good:   je .yes
        say 'BAD', 13, 10
.yes:   ret

        align 8
gdt:    dq 0
        dq 0x00009a000000ffff           ; APM's code, its data
        dq 0x000092000000ffff
        dq 0x00009a000000ffff           ; Plug and Play
        dq 0
        dq 0x00009a000000ffff           ; our own
        dq 0x000092000000ffff
gdtr:   dw 55
        dd gdt
apm:    dd 0
pnp:    dd 0
entry:  dd 0
answers: times 10 db 0
