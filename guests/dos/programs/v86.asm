; SPDX-License-Identifier: MIT
; Puts DOS itself into V86 mode below paging, as memory managers do, and stays: interrupts and INT n are reflected to the
; vectors of real mode, HLT is passed over, "upper memory" at D0000h is at 2 MiB. All programs afterwards run so.
%include "dos.inc"
        smsw ax
        test al, 1
        jz .real
        say 'V86: ok, on', 13, 10
        quit 0
.real:  xor eax, eax
        mov ax, cs
        shl eax, 4
        mov [base], eax
        or [gdt+8+2], eax
        or [gdt+16+2], eax
        mov ebx, eax
        add ebx, tss
        or [gdt+32+2], ebx
        mov ebx, eax
        add ebx, gdt
        mov [gdtr+2], ebx
        mov ebx, eax
        add ebx, idt
        mov [idtr+2], ebx
        ; page directory and table: aligned behind everything
        lea ebx, [eax+end+4095]
        and bx, 0f000h
        sub ebx, eax                    ; their offset
        mov [pages], bx
        mov di, bx
        mov cx, 2048
        push eax
        xor eax, eax
        rep stosd
        pop eax
        lea edx, [eax+ebx]
        mov [directory], edx
        add edx, 1007h
        mov [bx], edx
        lea di, [bx+1000h]
        mov eax, 7
        mov cx, 1024
.map:   stosd
        add eax, 1000h
        loop .map
        lea di, [bx+1000h+0d0h*4]
        mov eax, 200007h
        mov cx, 16
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
        in al, 92h
        or al, 2
        out 92h, al
        mov [v86sp], sp
        cli
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
        push cs
        pop es
        mov ax, [pages]
        add ax, 2000h
        shr ax, 4
        mov dx, ax
        say 'V86: resident', 13, 10
        mov ax, 3100h
        int 21h
.bad:   fail 'V86: not in V86 mode'
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
reflect: push eax
        push ebx
        push ecx
        mov ax, 24
        mov ds, ax
        movsx eax, byte [esp+12]
        add eax, 128
        call vector
out:    pop ecx
        pop ebx
        pop eax
        add esp, 4
        iretd
; EAX the vector; the frame of the V86 task is at [esp+20]
vector: movzx ebx, word [esp+20+16]     ; SS
        shl ebx, 4
        sub word [esp+20+12], 6
        movzx ecx, word [esp+20+12]
        add ebx, ecx
        mov ecx, [esp+20+8]
        mov [ebx+4], cx
        mov ecx, [esp+20+4]
        mov [ebx+2], cx
        mov ecx, [esp+20]
        mov [ebx], cx
        and dword [esp+20+8], ~300h
        movzx ecx, word [eax*4]
        mov [esp+20], ecx
        movzx ecx, word [eax*4+2]
        mov [esp+20+4], ecx
        ret
gp:     push eax
        push ebx
        push ecx
        mov ax, 24
        mov ds, ax
        movzx eax, word [esp+12+8]
        shl eax, 4
        add eax, [esp+12+4]
        mov bx, [eax]
        cmp bl, 0f4h
        je .hlt
        cmp bx, 200fh
        je .mov
        mov dword [0b8000h], 4f214f42h
        cli
        hlt
.hlt:   inc dword [esp+12+4]
        jmp out
.mov:   add dword [esp+12+4], 3
        jmp out
bits 16
align 8
gdt:    dq 0
        dq 00cf9a000000ffffh, 00cf92000000ffffh  ; 8 and 16: ours
        dq 00cf92000000ffffh                     ; 24: flat
        dw 104+8192+32, 0
        db 0, 89h, 0, 0
gdtr:   dw 39
        dd 0
idtr:   dw 2047
        dd 0
base:   dd 0
directory: dd 0
pages:  dw 0
v86sp:  dw 0
align 8
idt     equ $
tss     equ idt + 2048
stack   equ tss + 104 + 8192 + 32 + 2048
end     equ stack + 8
