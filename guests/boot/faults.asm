; SPDX-License-Identifier: MIT
; Exceptions in real mode, single steps over instructions that exit, self-modifying code, a stack that wraps.
%include "boot.inc"
        mov bx, 0
.set:   mov ax, bx
        shl ax, 2
        mov di, ax
        mov word [di], trap
        mov word [di+2], 0
        inc bx
        cmp bx, 8
        jb .set
        mov word [5*4], bound_handler
        mov word [0*4], divide
        mov word [6*4], undefined
        int3
        mov al, 7fh
        add al, 1
        into
        xor cx, cx
        mov ax, 1
        div cl
        ud2
        mov ax, 5
        bound ax, [limits]
        call newline
        ; single steps
        mov word [1*4], step
        pushf
        or byte [esp+1], 1
        popf
        cpuid
        in al, 61h
        mov dx, 3dah
        in al, dx
        out 80h, al
        mov ax, 0
        mov ss, ax
        mov sp, 7c00h
        rdtsc
        pushf
        and byte [esp+1], 0feh
        popf
        mov ax, [steps]
        say 'steps '
        call hex16
        call newline
        mov word [1*4], trap
        ; code that changes itself
        mov cx, 5
        mov bx, 0
.self:  mov byte [.imm+2], cl
.imm:   add bx, 0
        loop .self
        mov ax, bx
        call hex16
        mov word [.patch], 4040h        ; inc ax, twice
        mov ax, 7
        jmp $+2
.patch: nop
        nop
        call hex16
        call newline
        ; a stack that wraps at the segment's start
        mov ax, 3000h
        cli
        mov ss, ax
        mov sp, 2
        push word 1234h
        push word 5678h
        mov bx, sp
        pop cx
        pop dx
        xor ax, ax
        mov ss, ax
        mov sp, 7c00h
        sti
        mov ax, bx
        call hex16
        mov ax, cx
        call hex16
        mov ax, dx
        call hex16
        pushfd
        pop eax
        and eax, 20000h
        call hex32
        done
trap:   push ax
        mov al, 't'
        mov ah, 0eh
        push bx
        mov bx, 7
        int 10h
        pop bx
        pop ax
        iret
divide: push ax
        mov al, 'd'
        jmp skip
undefined: push ax
        mov al, 'u'
        jmp skip
skip:   mov ah, 0eh
        push bx
        push bp
        mov bx, 7
        int 10h
        mov bp, sp
        add word [bp+6], 2
        pop bp
        pop bx
        pop ax
        iret
bound_handler: push ax
        push bx
        push bp
        mov ax, 0e62h
        mov bx, 7
        int 10h
        mov bp, sp
        add word [bp+6], 4
        pop bp
        pop bx
        pop ax
        iret
step:   inc word [cs:steps]
        iret
steps:  dw 0
limits: dw 10, 20
