; SPDX-License-Identifier: MIT
; The BIOS at F0000 is read-only after POST: what the processor, the disk services and the chips write there is lost, until
; the i440FX' PAM register says otherwise. So is memory below it that no option ROM uses. (disk: hda)
%include "boot.inc"

ROM     equ 0f000h
PAM0    equ 80000058h                   ; bus 0, device 0, register 58h
PLACE   equ 0ff53h                      ; IRET, in every BIOS

main:   mov ax, ROM
        mov es, ax
        call sum
        mov [before], eax
        say 'mov '
        mov byte [es:PLACE], 0
        call same
        say 'modify '
        inc word [es:PLACE]
        not byte [es:PLACE]
        lock xor dword [es:PLACE], 12345678h
        mov al, 55h
        xchg al, [es:PLACE]
        call same
        say 'xchg reads '
        call hex8
        say 13, 10, 'stos '
        xor di, di
        mov cx, 8000h
        mov ax, 0f4f4h
        rep stosw
        call same
        say 'movs '
        mov si, 7c00h
        mov di, 0e000h
        mov cx, 800h
        rep movsd
        call same
        say 'push '
        cli
        mov dx, ss
        mov bx, sp
        mov ax, ROM
        mov ss, ax
        mov sp, PLACE
        push word 1234h
        push eax
        mov cx, sp
        mov ss, dx
        mov sp, bx
        sti
        call same
        say 'sp '
        mov ax, cx
        call hex16
        say 13, 10, 'unreal mode '
        call unreal
        call same
        say 'behind the A20 gate '
        call gated
        call same
        say 'reads '
        mov ah, [alias + 3]
        mov al, [alias + 7]
        call hex16
        say 13, 10, 'INT 13h '
        mov bx, 0
        mov cx, 1
        mov dh, 0
        mov dl, [drive]
        mov ax, 0210h
        int 13h
        mov al, 0
        adc al, 0
        call hex8
        say ' '
        call same
        say 'INT 10h and 1Ah go on '
        mov ah, 3
        mov bh, 0
        int 10h
        mov al, dl
        call hex8
        mov ah, 2
        int 1ah
        mov al, 0
        adc al, 0
        call hex8
        call newline

        say 'open: '
        mov al, 30h
        call pam
        mov ax, ROM
        mov es, ax
        mov cl, [es:0e000h]
        mov byte [es:0e000h], 0a5h
        cmp byte [es:0e000h], 0a5h
        call is
        mov al, 10h
        call pam
        say 'closed: '
        mov byte [es:0e000h], 0
        cmp byte [es:0e000h], 0a5h
        call is
        mov al, 30h
        call pam
        mov [es:0e000h], cl
        mov al, 10h
        call pam
        say 'as before '
        call same
        say 'D0000 '
        mov ax, 0d000h
        mov es, ax
        mov ax, [es:0]
        not word [es:0]
        cmp [es:0], ax
        call is
        done

; AL to register 59h
pam:    push ax
        mov dx, 0cf8h
        mov eax, PAM0
        out dx, eax
        mov dx, 0cfdh
        pop ax
        out dx, al
        ret

; 32-bit offsets in 16-bit code, as a flat DS.
unreal: cli
        call flat
        mov ebx, 0f8000h
        mov dword [ebx], 0
        a32 mov word [ebx + 4321h], 0
        xor ax, ax
        mov ds, ax
        sti
        ret

flat:   lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp short .on
.on:    mov bx, 8
        mov ds, bx
        and al, 0feh
        mov cr0, eax
        jmp short .off
.off:   ret

; With the gate closed the BIOS shows above 1 MiB, too, and is no more writable there.
gated:  mov ax, 2400h
        int 15h
        cli
        call flat
        mov ebx, 1fff50h
        mov dword [ebx], 0              ; before it is mapped
        mov eax, [ebx]
        mov dword [ebx + 3], 0          ; and then
        mov edx, [ebx]
        xor cx, cx
        mov ds, cx
        mov [alias], eax
        mov [alias + 4], edx
        mov ax, 2401h
        int 15h
        sti
        ret

same:   push es
        pushad
        mov ax, ROM
        mov es, ax
        call sum
        cmp eax, [before]
        call is
        popad
        pop es
        ret

is:     je .yes
        say 'BAD', 13, 10
        ret
.yes:   say 'ok', 13, 10
        ret

; EAX = the sum of ROM
sum:    xor eax, eax
        xor bx, bx
.next:  rol eax, 1
        add eax, [es:bx]
        add bx, 4
        jnz .next
        ret

        align 8
gdt:    dq 0, 0x00cf92000000ffff
gdtr:   dw 15
        dd gdt
before: dd 0
alias:  dd 0, 0
