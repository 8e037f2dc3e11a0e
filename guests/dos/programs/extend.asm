; SPDX-License-Identifier: MIT
; A DOS extender in small: 32-bit protected mode with the PIC moved, a timer handler there that passes each tick down to real
; mode, file output by switching back for INT 21h, memory above 1 MiB; then unreal mode.
%include "dos.inc"
        smsw ax
        test al, 1
        jz .real
        fail 'EXTEND: already in protected mode'
.real:  xor eax, eax
        mov ax, cs
        shl eax, 4
        mov [base], eax
        or [gdt+8+2], eax
        or [gdt+16+2], eax
        or [gdt+32+2], eax
        or [gdt+40+2], eax
        mov ebx, eax
        add ebx, gdt
        mov [gdtr+2], ebx
        add eax, idt
        mov [idtr+2], eax
        mov di, idt
        mov cx, 256
.gate:  mov ax, nothing
        stosw
        mov ax, 8
        stosw
        mov ax, 8e00h
        stosw
        xor ax, ax
        stosw
        loop .gate
        mov word [idt+50h*8], timer
        mov [down.segment], cs
        mov word [realsp], sp
        mov [realss], ss
        in al, 92h
        or al, 2
        out 92h, al
        cli
        in al, 21h
        mov [mask], al
        mov al, 50h
        call pic
        mov al, 0feh                    ; the timer alone
        out 21h, al
        call up
bits 32
        sti
.ticks: hlt
        cmp byte [count], 4
        jb .ticks
        cli
        mov edi, 200000h                ; flat memory
        mov ecx, 65536
        mov eax, 12345678h
        push es
        mov dx, 24
        mov es, dx
        rep stosd
        mov edi, 200000h
        mov ecx, 65536
        repe scasd
        pop es
        setz [memory]
        call down
bits 16
        mov al, 8
        call pic
        mov al, [mask]
        out 21h, al
        sti
        cmp byte [memory], 1
        jne .bad
        cmp byte [passed], 4
        jb .bad
        say 'EXTEND: ok', 13, 10
        quit 0
.bad:   fail 'EXTEND: no ticks, or memory is wrong'

; Real to protected mode, 32-bit; returns there. IF=0
up:     pop dx
        lgdt [gdtr]
        lidt [idtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 8:.pm
bits 32
.pm:    mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0e000h
        movzx edx, dx
        jmp edx
; and back
down:   pop edx
        jmp 32:.16
bits 16
.16:    mov ax, 40
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov eax, cr0
        and al, 0feh
        mov cr0, eax
        jmp far [.far]
.go:    mov ax, cs
        mov ds, ax
        mov es, ax
        mov ss, [realss]
        mov sp, [realsp]
        lidt [real_idt]
        jmp dx
.far:   dw .go
.segment: dw 0
; vectors of the first PIC from AL on
pic:    push ax
        mov al, 11h
        out 20h, al
        pop ax
        out 21h, al
        mov al, 4
        out 21h, al
        mov al, 1
        out 21h, al
        ret
bits 32
; A tick: down to real mode, its INT 8 there, and up again.
timer:  pushad
        inc byte [count]
        mov [kept], esp
        call down
bits 16
        pushf
        push cs
        push word .back
        push 0
        pop es
        jmp far [es:8*4]
.back:  cli
        push cs
        pop es
        inc byte [passed]
        call up
bits 32
        mov esp, [kept]
        popad
        iretd
nothing: iretd
bits 16
align 8
gdt:    dq 0
        dq 00cf9a000000ffffh, 00cf92000000ffffh  ; 8 and 16: ours
        dq 00cf92000000ffffh                     ; 24: flat
        dq 00009a000000ffffh, 000092000000ffffh  ; 32 and 40: ours, as real mode has them
gdtr:   dw 47
        dd 0
idtr:   dw 2047
        dd 0
real_idt: dw 3ffh
        dd 0
base:   dd 0
kept:   dd 0
realsp: dw 0
realss: dw 0
mask:   db 0
count:  db 0
passed: db 0
memory: db 0
align 8
idt     equ $
