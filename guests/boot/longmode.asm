; SPDX-License-Identifier: MIT
; From the boot sector straight into long mode, as the wiki pages do it; exceptions are caught and their numbers shown.
%include "boot.inc"
        mov eax, 80000001h
        cpuid
        test edx, 1 << 29
        jnz .has
        say 'no long mode'
        done
.has:   in al, 92h
        or al, 2
        out 92h, al
        cli
        mov di, 1000h                   ; page tables at 1000h-3FFFh: 2 MiB pages
        mov cx, 3000h / 4
        xor eax, eax
        rep stosd
        mov dword [1000h], 2003h
        mov dword [2000h], 3003h
        mov dword [3000h], 83h
        mov eax, 1000h
        mov cr3, eax
        mov eax, cr4
        or eax, 20h
        mov cr4, eax
        mov ecx, 0c0000080h
        rdmsr
        or ax, 100h
        wrmsr
        lgdt [gdtr]
        mov eax, cr0
        or eax, 80000001h
        mov cr0, eax
        jmp 8:long_mode
bits 64
long_mode: mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov rsp, 7c00h
        mov edi, 0xb8000
        mov rax, 0x1f201f201f201f20
        mov ecx, 80*25/4
        rep stosq
        lea rsi, [rel text]
        mov edi, 0xb8000
        call put
        mov ecx, 32                     ; an IDT: each entry calls fault
        mov ebx, idt
        lea rax, [rel entries]
.gate:  mov [rbx], ax
        mov word [rbx+2], 8
        mov word [rbx+4], 8e00h
        mov word [rbx+6], 0
        mov qword [rbx+8], 0
        add rbx, 16
        add rax, 8
        loop .gate
        lidt [rel idtr]
        mov edi, 0xb8000+160*2
        lea r8, [rel .a]
        xor ecx, ecx
        div ecx
.a:     lea r8, [rel .b]
        ud2
.b:     lea r8, [rel .c]
        mov eax, [abs 0x40000000]
.c:     lea r8, [rel .d]
        mov rax, 0x8000000000000000
        mov al, [rax]
.d:     lea r8, [rel .e]
        int3
.e:     lea r8, [rel .f]
        mov ax, 0x1234
        mov ds, ax
.f:     lea r8, [rel .g]
        pushfq
        or qword [rsp], 100h
        popfq
        nop
.g:     lea rsi, [rel fin]
        mov edi, 0xb8000+160*4
        call put
        hlt
        jmp $-1
put:    lodsb
        test al, al
        jz .end
        stosb
        inc edi
        jmp put
.end:   ret
align 8
entries:
%assign i 0
%rep 32
        mov al, i
        jmp strict near fault
        nop
%assign i i+1
%endrep
fault: mov rsp, 7c00h
        mov ah, al
        shr al, 4
        call digit
        mov al, ah
        and al, 15
        call digit
        add edi, 2
        jmp r8
digit:  cmp al, 10
        jb .low
        add al, 7
.low:   add al, '0'
        stosb
        inc edi
        ret
text:   db 'long mode', 0
fin:    db 'done', 0
align 8
gdt:    dq 0, 0x00209a0000000000, 0x0000920000000000
gdtr:   dw 23
        dd gdt
idtr:   dw 511
        dq idt
align 16
idt     equ 0x9000
bits 16
