; SPDX-License-Identifier: MIT
; The BIOS' 32-bit entries as a system with paging calls them: its own linear addresses, nothing where the ROM lies physically.
; Finds _32_, asks the service directory for $PCI, and that for the host bridge; then APM's 32-bit interface. (disk: fda)
%include "boot.inc"
KERNEL equ 0c0000000h                   ; where the first MiB is
        mov ax, 5300h                   ; APM: is it there? connect, 32 bits
        xor bx, bx
        int 15h
        jc .no_apm
        mov ax, 5304h
        xor bx, bx
        int 15h
        mov ax, 5303h
        xor bx, bx
        int 15h
        jc .no_apm
        mov [apm], ebx
        movzx eax, ax                   ; its code and data segments
        shl eax, 4
        or [gdt+24+2], eax
        or byte [gdt+24+7], KERNEL >> 24
        movzx ecx, dx
        shl ecx, 4
        or [gdt+32+2], ecx
        or byte [gdt+32+7], KERNEL >> 24
.no_apm: mov ax, 0f000h
        mov es, ax
        xor di, di
.find:  cmp dword [es:di], '_32_'
        je .found
        add di, 16
        jnz .find
        say 'no _32_', 13, 10
        done
.found: mov eax, [es:di+4]
        or eax, KERNEL
        mov [directory], eax
        xor ax, ax
        mov es, ax
        mov di, pagedir
        mov cx, 2048
        xor eax, eax
        rep stosd
        mov dword [pagedir], pagetab + 7        ; the lowest 64 KiB, and all of the first 4 MiB at KERNEL
        mov dword [pagedir+(KERNEL>>20)], pagetab + 1007h
        mov di, pagetab
        page_entries 7, 16
        mov di, pagetab + 1000h
        page_entries 7, 1024
        mov eax, pagedir
        mov cr3, eax
        to_protected 8, 80000001h
bits 32
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 6000h
        mov eax, '$PCI'
        xor ebx, ebx
        push cs
        call [directory]
        mov [answer], al
        lea eax, [ebx+edx+KERNEL]
        mov [pci], eax
        cmp byte [answer], 0
        jne .apm
        mov ax, 0b101h                  ; present?
        xor edi, edi
        push cs
        call [pci]
        mov [present], edx
        mov ax, 0b103h                  ; the host bridge
        mov ecx, 060000h
        xor esi, esi
        push cs
        call [pci]
        mov [bridge], ax
        mov [bridge+2], bx
        mov ax, 0b10ah
        xor ebx, ebx
        xor edi, edi
        push cs
        call [pci]
        mov [id], ecx
.apm:   cmp dword [apm], 0
        je .real
        mov eax, [apm]
        mov [far_apm], eax
        mov ax, 530ah                   ; power status of all devices
        mov bx, 1
        call far [far_apm]
        setc [status+1]
        mov [status+2], bh              ; line
.real:  mov eax, cr0
        and eax, 7fffffffh
        mov cr0, eax
        jmp 40:.16
bits 16
.16:    mov ax, 48
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7c00h
        to_real
        mov al, [answer]
        call hex8
        say ' PCI '
        mov eax, [present]
        call hex32
        say ' '
        mov eax, [bridge]
        call hex32
        say ' '
        mov eax, [id]
        call hex32
        say 13, 10, 'APM '
        mov eax, [status]
        call hex32
        done
align 8
gdt:    dq 0, 00cf9a000000ffffh, 00cf92000000ffffh
        dq 00409a000000ffffh, 004092000000ffffh ; 24, 32: APM
        dq 00009a000000ffffh, 000092000000ffffh ; 40, 48: real mode's
gdtr:   dw 55
        dd gdt
directory: dd 0
pci:    dd 0
apm:    dd 0
far_apm: dd 0
        dw 24
answer: db 0ffh
align 4
present: dd 0
bridge: dd 0
id:     dd 0
status: dd 0
pagedir equ 0xc000
pagetab equ 0xd000
