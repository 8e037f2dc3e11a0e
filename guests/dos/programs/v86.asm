; SPDX-License-Identifier: MIT
; Puts DOS itself into V86 mode below paging, as memory managers do, and stays; all programs afterwards run so. Interrupts and INT n
; are reflected to the vectors of real mode, HLT is passed over, MOV to and from CR0 is simulated. The A20 gate is one of page
; tables: port 92h, the keyboard controller's and the 8237's ports come here by the I/O bitmap. "Upper memory" at D0000h, an EMS page
; frame at E0000h, VCPI, and INT 15h AH=87h, which the BIOS cannot do below V86. Memory comes from the XMS driver.
%include "dos.inc"
UPPER      equ 16                       ; pages of 4 KiB at D0000h
EMS_PAGES  equ 16                       ; of 16 KiB
VCPI_PAGES equ 4096
POOL_KIB   equ UPPER * 4 + EMS_PAGES * 16 + VCPI_PAGES * 4 + 4
FRAME      equ 0e000h
; the frame of an exception in V86 mode below PUSHAD
%define R_EDI [ebp]
%define R_ESI [ebp+4]
%define R_EBX [ebp+16]
%define R_EDX [ebp+20]
%define R_ECX [ebp+24]
%define R_EAX [ebp+28]
%define R_EIP [ebp+36]
%define R_CS  [ebp+40]
%define R_EFL [ebp+44]
%define R_ESP [ebp+48]
%define R_SS  [ebp+52]
%define R_ES  [ebp+56]
%define R_DS  [ebp+60]
%macro linear 3                         ; register, segment's word, offset
        movzx %1, word %2
        shl %1, 4
        add %1, %3
%endmacro
        jmp start
        align 16, db 0
device: times 10 db 0
        db 'EMMXXXX0'
trap67: hlt
        iret
int15:  cmp ah, 87h
        je trap15
        jmp far [cs:old15]
trap15: hlt
        iret
old15:  dd 0
bits 32
align 8
stubs:
%assign i 0
%rep 256
        push byte %+ (i - 128)
        jmp strict near reflect
        nop
%assign i i+1
%endrep
reflect: pushad
        mov ebp, esp
        mov ax, 24
        mov ds, ax
        movsx eax, byte [ebp+32]
        add eax, 128
        call vector
out:    popad
        add esp, 4
        iretd
; EAX the vector: its real-mode handler is what the V86 task does next
vector: linear ebx, R_SS, 0
        sub word R_ESP, 6
        movzx ecx, word R_ESP
        add ebx, ecx
        mov ecx, R_EFL
        mov [ebx+4], cx
        mov ecx, R_CS
        mov [ebx+2], cx
        mov ecx, R_EIP
        mov [ebx], cx
        and dword R_EFL, ~300h
        movzx ecx, word [eax*4]
        mov R_EIP, ecx
        movzx ecx, word [eax*4+2]
        mov R_CS, ecx
        ret

gp:     pushad
        mov ebp, esp
        mov ax, 24
        mov ds, ax
        mov es, ax
        cld
        test byte [ebp+46], 2           ; VM
        jz fatal
        linear esi, R_CS, R_EIP
        mov ebx, [esi]
        mov edi, instructions
.next:  mov eax, [cs:edi]               ; length, opcodes
        mov ecx, [cs:edi+4]
        jecxz fatal
        add edi, 8
        mov edx, ebx
        and edx, 0ffh
        cmp al, 3
        jne .one
        mov edx, ebx
        and edx, 0ffffffh
.one:   shr eax, 8
        cmp eax, edx
        jne .next
        movzx eax, byte [cs:edi-8]
        add R_EIP, eax
        call ecx
        jmp out
fatal:  mov dword [0b8000h], 4f214f42h
        cli
        hlt
instructions:
        dd 0f401h, halted, 0ec01h, in_dx, 0ee01h, out_dx, 0e402h, in_imm, 0e602h, out_imm
        dd 0c0200f03h, cr0_read, 0c0220f03h, nop_cr0, 0, 0
cr0_read: mov eax, cr0
        mov R_EAX, eax
nop_cr0: ret
halted: cmp esi, [ss:linear67]
        je expanded
        cmp esi, [ss:linear15]
        je moved
        ret

; ---- ports
in_imm: movzx edx, bh
        jmp input
in_dx:  movzx edx, word R_EDX
input:  in al, dx
        cmp dx, 92h
        jne .other
        and al, 0fdh
        or al, [ss:a20]
.other: mov R_EAX, al
        jmp counted
out_imm: movzx edx, bh
        jmp output
out_dx: movzx edx, word R_EDX
output: mov al, R_EAX
        cmp dx, 92h
        je .port92
        cmp dx, 64h
        je .command
        cmp dx, 60h
        jne .through
        cmp byte [ss:for_port], 0       ; what followed D1h
        je .through
        mov byte [ss:for_port], 0
        jmp a20_set
.port92: mov ah, al
        or al, 2
        out dx, al
        mov al, ah
        jmp a20_set
.command: cmp al, 0d1h
        jne .not_d1
        mov byte [ss:for_port], 1
        ret
.not_d1: mov ah, al
        and ah, 0fdh
        cmp ah, 0ddh
        je a20_set
.through: out dx, al
counted: cmp dx, 10h
        adc word [ss:dma_ports], 0
        ret
; bit 1 of AL: where the second MiB's first 64 KiB lead to
a20_set: and al, 2
        mov [ss:a20], al
a20_map: pushad
        mov edi, [ss:table]
        add edi, 400h
        mov eax, 7
        cmp byte [ss:a20], 0
        je .map
        mov eax, 100007h
.map:   mov ecx, 16
.next:  stosd
        add eax, 1000h
        loop .next
        mov eax, cr3
        mov cr3, eax
        popad
        ret

; ---- INT 15h AH=87h
moved:  push dword [ss:a20]
        mov byte [ss:a20], 2
        call a20_map
        linear ebx, R_ES, 0
        movzx ecx, word R_ESI
        add ebx, ecx
        mov esi, [ebx+12h]
        and esi, 0ffffffh
        mov edi, [ebx+1ah]
        and edi, 0ffffffh
        movzx eax, byte [ebx+17h]
        shl eax, 24
        or esi, eax
        movzx eax, byte [ebx+1fh]
        shl eax, 24
        or edi, eax
        movzx ecx, word R_ECX
        rep movsw
        pop eax
        mov [ss:a20], al
        call a20_map
        mov byte [ebp+29], 0            ; AH
        linear ebx, R_SS, 0
        movzx ecx, word R_ESP
        and byte [ebx+ecx+4], 0feh      ; CF where its IRET finds the flags
        ret

%include "v86_ems.inc"
%include "v86_vcpi.inc"
bits 16
align 8
gdt:    dq 0
        dq 00cf9a000000ffffh, 00cf92000000ffffh  ; 8 and 16: ours
        dq 00cf92000000ffffh                     ; 24: flat
        dw 104+8192, 0
        db 0, 89h, 0, 0
gdtr:   dw 39
        dd 0
idtr:   dw 2047
        dd 0
base:   dd 0
directory: dd 0
table:  dd 0
linear67: dd 0
linear15: dd 0
ems_pool: dd 0
vcpi_pool: dd 0
frame:  times 9 dd 0
vectors: dw 8, 70h
dma_ports: dw 0
a20:    dd 2
for_port: db 0
handle: db 0
owners: times EMS_PAGES db 0
taken:  times VCPI_PAGES / 8 db 0
xms:    dd 0
trapped: dw 60h, 64h, 92h
%assign n 0
%rep 16
        dw n
%assign n n+1
%endrep
trapped_end:

start:  smsw ax
        test al, 1
        jz .real
        say 'V86: ok, on', 13, 10
        quit 0
.real:  mov ax, 4300h
        int 2fh
        cmp al, 80h
        je .xms
        fail 'V86: no XMS driver'
.xms:   mov ax, 4310h
        int 2fh
        mov [xms], bx
        mov [xms+2], es
        push cs
        pop es
        mov dx, POOL_KIB
        mov ah, 9
        call far [xms]
        cmp ax, 1
        jne .none
        mov ah, 0ch
        call far [xms]
        cmp ax, 1
        je .memory
.none:  fail 'V86: no extended memory'
.memory: push dx
        push bx
        pop eax
        add eax, 4095
        and ax, 0f000h
        mov [upper], eax
        add eax, UPPER << 12
        mov [ems_pool], eax
        add eax, EMS_PAGES << 14
        mov [vcpi_pool], eax
        xor eax, eax
        mov ax, cs
        shl eax, 4
        mov [base], eax
        or [gdt+8+2], eax
        or [gdt+16+2], eax
        lea ebx, [eax+tss]
        or [gdt+32+2], ebx
        lea ebx, [eax+gdt]
        mov [gdtr+2], ebx
        lea ebx, [eax+idt]
        mov [idtr+2], ebx
        lea ebx, [eax+trap67]
        mov [linear67], ebx
        lea ebx, [eax+trap15]
        mov [linear15], ebx
        ; page directory and table: aligned behind everything
        lea ebx, [eax+end+4095]
        and bx, 0f000h
        mov [directory], ebx
        lea edx, [ebx+1000h]
        mov [table], edx
        sub ebx, eax                    ; their offset
        mov [pages], bx
        mov di, bx
        or dl, 7
        mov eax, edx
        stosd
        mov eax, 400087h                ; of 4 MiB each
        mov cx, 1023
.large: stosd
        add eax, 400000h
        loop .large
        mov eax, 7
        mov cx, 1024
.map:   stosd
        add eax, 1000h
        loop .map
        lea di, [bx+1000h+0d0h*4]
        mov eax, [upper]
        or al, 7
        mov cx, UPPER
.upper: stosd
        add eax, 1000h
        loop .upper
        mov di, idt
        mov cx, 256
        mov ax, stubs
.gate:  mov [di], ax
        mov word [di+2], 8
        mov word [di+4], 0ee00h
        mov word [di+6], 0
        add ax, 8
        add di, 8
        loop .gate
        mov word [idt+13*8], gp
        mov di, tss
        xor ax, ax
        mov cx, (end - tss) / 2
        rep stosw
        mov dword [tss+4], stack
        mov dword [tss+8], 16
        mov word [tss+102], 104
        mov byte [tss+104+8192], 0ffh
        mov si, trapped
.trap:  lodsw
        movzx eax, ax
        bts dword [tss+104], eax
        cmp si, trapped_end
        jb .trap
        push es
        mov ax, 3515h
        int 21h
        mov [old15], bx
        mov [old15+2], es
        pop es
        mov dx, int15
        mov ax, 2515h
        int 21h
        push ds
        mov ax, cs                      ; the vector's segment: where EMMXXXX0 is at 0Ah
        add ax, (device - $$ + 100h) / 16
        mov ds, ax
        mov dx, trap67 - device
        mov ax, 2567h
        int 21h
        pop ds
        mov ah, 3
        call far [xms]                  ; the gate itself stays open
        cli
        mov eax, cr4
        or al, 10h                      ; PSE
        mov cr4, eax
        lgdt [gdtr]
        lidt [idtr]
        mov eax, [directory]
        mov cr3, eax
        movzx ebp, sp
        mov edx, cs
        movzx edx, dx
        mov eax, cr0
        or eax, 80000001h
        mov cr0, eax
        jmp dword 8:.pm
bits 32
.pm:    mov ax, 16
        mov ss, ax
        mov esp, stack
        mov ax, 32
        ltr ax
        push edx
        push edx
        push edx
        push edx
        push edx                        ; SS
        push ebp
        push dword 23202h
        push edx
        push dword .inside
        iretd
bits 16
.inside: smsw ax
        test al, 1
        jz .bad
        mov ax, 0d000h
        mov es, ax
        xor di, di
        mov ax, 5aa5h
        mov cx, 8000h
        rep stosw
        cmp word [es:0fffeh], 5aa5h
        jne .bad
        mov ah, 4                       ; and is closed for programs from here on
        call far [xms]
        cmp ax, 1
        jne .bad
        push cs
        pop es
        mov ax, [pages]
        add ax, 2000h
        shr ax, 4
        mov dx, ax
        say 'V86: resident', 13, 10
        mov ax, 3100h
        int 21h
.bad:   fail 'V86: not in V86 mode, or A20 stays'
align 4
upper:  dd 0
pages:  dw 0
align 8
idt     equ $
tss     equ idt + 2048
stack   equ tss + 104 + 8192 + 32 + 2048
end     equ stack + 8
