; SPDX-License-Identifier: MIT
; Entry of the check kernel: a Multiboot 1 ELF file without addresses in its header. To 64-bit mode with 4 GiB mapped one to one,
; an IDT of 256 gates that all end in trap(), then main(boot information).
        bits 32
        section .text.start
        align 4
MAGIC   equ 0x1badb002
        dd      MAGIC, 0, -MAGIC

        global  start, halt_off, ring3_call, ring3_return, bios32_call, tables, idt, gdt, tss
        extern  main, trap, exit_code

start:  mov     esp, stack_top
        mov     [info], ebx
        cld
        mov     eax, tables + 0x1000 + 7
        mov     [tables], eax
        mov     ecx, 4
.pdpt:  mov     eax, ecx
        shl     eax, 12
        add     eax, tables + 0x1000 + 7
        mov     [tables + 0x1000 - 8 + ecx * 8], eax
        loop    .pdpt
        mov     eax, 0x87               ; present, writable, user, 2 MiB
.pd:    mov     [tables + 0x2000 + ecx * 8], eax
        add     eax, 0x200000
        inc     ecx
        cmp     ecx, 4 * 512
        jb      .pd
        mov     eax, tables
        mov     cr3, eax
        mov     eax, 0x620              ; PAE, OSFXSR, OSXMMEXCPT
        mov     cr4, eax
        mov     ecx, 0xc0000080         ; EFER.LME
        rdmsr
        or      eax, 0x100
        wrmsr
        mov     eax, 0x80000033         ; PG, NE, ET, MP, PE
        mov     cr0, eax
        lgdt    [gdt_pointer]
        jmp     8:.long

        bits 64
.long:  mov     eax, 16
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        mov     eax, tss
        mov     [gdt.tss + 2], ax
        shr     eax, 16
        mov     [gdt.tss + 4], al
        mov     [gdt.tss + 7], ah
        mov     eax, gdt.tss - gdt
        ltr     ax
        mov     edi, idt
        mov     esi, stubs
        mov     ecx, 256
.gate:  mov     eax, esi
        mov     [rdi], ax
        mov     word [rdi + 2], 8
        mov     word [rdi + 4], 0x8e00
        shr     eax, 16
        mov     [rdi + 6], ax
        mov     qword [rdi + 8], 0
        add     edi, 16
        add     esi, 16
        loop    .gate
        lidt    [idt_pointer]
        mov     edi, [info]
        call    main
        mov     edx, 0xf4
        out     dx, eax
halt_off:
        cli
        hlt
        jmp     halt_off

        align 16
stubs:
%assign vector 0
%rep 256
        align 16
  %if !(vector = 8 || (vector >= 10 && vector <= 14) || vector = 17 || vector = 21)
        push    0
  %endif
        push    vector
        jmp     near any_vector
  %assign vector vector + 1
%endrep

any_vector:
        push    rax
        push    rcx
        push    rdx
        push    rbx
        push    rbp
        push    rsi
        push    rdi
        push    r8
        push    r9
        push    r10
        push    r11
        push    r12
        push    r13
        push    r14
        push    r15
        cld
        mov     rdi, rsp
        mov     rbp, rsp
        and     rsp, -16
        call    trap
        mov     rsp, rbp
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rdi
        pop     rsi
        pop     rbp
        pop     rbx
        pop     rdx
        pop     rcx
        pop     rax
        add     rsp, 16
        iretq

; ring3_call(function): runs it with CPL 3 and IOPL 3, interrupts as they are; it returns through `int 40h`, whose gate is for all.
ring3_call:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [ring0_stack], rsp
        lea     rax, [rsp - 8]
        mov     [tss + 4], rax
        pushfq
        pop     rax
        or      eax, 0x3000
        push    24 + 3                  ; SS
        push    user_top - 8
        push    rax
        push    32 + 3                  ; CS
        push    rdi
        mov     rax, .back
        mov     [user_top - 8], rax
        iretq
.back:  int     0x40
ring3_return:                           ; the handler of 40h sends its frame here, in ring 0
        mov     rsp, [ring0_stack]
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

; bios32_call(entry, registers): registers come and go in two quadwords, RSI:RDX in and RAX:RDX out (EAX EBX, ECX EDX).
bios32_call:
        push    rbx
        push    rdi
        mov     eax, esi
        mov     rbx, rsi
        shr     rbx, 32
        mov     ecx, edx
        shr     rdx, 32
        pop     rdi
        call    dword far [.compatible]
        shl     rbx, 32
        mov     eax, eax
        or      rax, rbx
        shl     rdx, 32
        mov     ecx, ecx
        or      rdx, rcx
        pop     rbx
        ret
.compatible:
        dd      .code32
        dw      gdt.code32 - gdt
        bits    32
.code32:
        push    cs
        call    edi
        retf
        bits    64

        section .data
        align 8
gdt:    dq      0, 0x00af9b000000ffff, 0x00cf93000000ffff
        dq      0x00cff3000000ffff, 0x00affb000000ffff
.tss:   dq      0x0000890000000067, 0
.code32: dq     0x00cf9b000000ffff
gdt_end:
gdt_pointer:
        dw      gdt_end - gdt - 1
        dq      gdt
idt_pointer:
        dw      4095
        dq      idt
info:   dd      0
        align 8
ring0_stack: dq 0
tss:    dd      0
        times 12 dq 0
        dd      0x680000

        section .bss
        align 4096
tables: resb    6 * 4096
idt:    resb    4096
        resb    16384
stack_top:
        resb    4096
user_top:
