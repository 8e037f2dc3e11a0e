; SPDX-License-Identifier: MIT
; The gate A20 as boot loaders test it: 0:500h against FFFF:510h; by port 92h, by the keyboard controller and the BIOS.
%include "boot.inc"
        say 'at start '
        call test_gate
        mov ax, 2403h
        int 15h
        jnc .has
        say 'CF '
.has:   say 'support '
        mov al, ah
        call hex8
        call newline
        mov ax, 2400h
        int 15h
        call test_gate
        mov ax, 2402h
        int 15h
        call hex8
        mov ax, 2401h
        int 15h
        call test_gate
        mov ax, 2402h
        int 15h
        call hex8
        in al, 92h
        and al, 0fch
        out 92h, al
        call test_gate
        in al, 92h
        or al, 2
        and al, 0feh
        out 92h, al
        call test_gate
        call newline
        mov ax, 2400h
        int 15h
        call test_gate
        cli
        call wait_in
        mov al, 0d1h
        out 64h, al
        call wait_in
        mov al, 0dfh
        out 60h, al
        call wait_in
        mov al, 0ffh
        out 64h, al
        call wait_in
        sti
        call test_gate
        ; protected mode, and write beyond 1 MiB
        to_protected 8
bits 32
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov dword [100500h], 11111111h
        mov dword [500h], 22222222h
        mov ebx, [100500h]
        mov esi, .text
        mov edi, 0b8000h + 160*10
.put:   lodsb
        test al, al
        jz .back
        mov ah, 0ah
        stosw
        jmp .put
.text:  db 'protected mode', 0
.back:  jmp 24:.16
bits 16
.16:    mov ax, 32
        mov ds, ax
        mov es, ax
        to_real
        mov eax, ebx
        call hex32
        done
wait_in: in al, 64h
        test al, 2
        jnz wait_in
        ret
test_gate: push ds
        push es
        push bx
        xor ax, ax
        mov ds, ax
        not ax
        mov es, ax
        mov bx, [500h]
        mov byte [500h], 0
        mov byte [es:510h], 0ffh
        cmp byte [500h], 0ffh
        mov [500h], bx
        pop bx
        pop es
        pop ds
        je .off
        say 'on '
        ret
.off:   say 'off '
        ret
gdt:    dq 0, 00cf9a000000ffffh, 00cf92000000ffffh, 00009a000000ffffh, 000092000000ffffh
gdtr:   dw 39
        dd gdt
