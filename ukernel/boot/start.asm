; SPDX-License-Identifier: MIT
; Entered by a Multiboot 2 loader in 32-bit protected mode, paging off. Makes page tables that serve until kernel_map_init:
; the first 4 GiB at 0 and at DIRECT_BASE, the first GiB at KERNEL_BASE.
MB2_MAGIC     equ 0xe85250d6
MB2_LOADED    equ 0x36d76289
ENTRY_TABLE   equ 3              ; present, writable
ENTRY_LARGE   equ 0x83           ; present, writable, 2 MiB
CR0_PE_WP_PG  equ 0x80010001
CR4_PAE       equ 1 << 5
EFER          equ 0xc0000080
EFER_LME      equ 1 << 8
CPUID_LM      equ 1 << 29
COM1          equ 0x3f8
BOOT_CS64     equ 8
CPU_BLOCK     equ 0x4000
CPU_OFFSET    equ 0x3000

extern boot_main

section .boot.header progbits alloc noexec nowrite align=8
header:
        dd      MB2_MAGIC, 0, header_end - header, -(MB2_MAGIC + (header_end - header)) & 0xffffffff
        align   8
        dw      6, 0                            ; modules page aligned
        dd      8
        align   8
        dw      5, 1                            ; a framebuffer is welcome, of any size
        dd      20, 0, 0, 0
        align   8
        dw      0, 0                            ; end
        dd      8
header_end:

section .boot.text progbits alloc exec nowrite align=16
bits 32
global start
start:
        cli
        cld
        mov     esp, boot_stack32
        mov     edi, ebx                        ; the boot information, first argument of boot_main
        cmp     eax, MB2_LOADED
        mov     esi, text_loader
        jne     refuse
        mov     eax, 0x80000000
        cpuid
        cmp     eax, 0x80000001
        mov     esi, text_cpu
        jb      refuse
        mov     eax, 0x80000001
        cpuid
        test    edx, CPUID_LM
        jz      refuse

        mov     dword [pml4 + 0 * 8], pdpt_low + ENTRY_TABLE
        mov     dword [pml4 + 256 * 8], pdpt_low + ENTRY_TABLE
        mov     dword [pml4 + 511 * 8], pdpt_high + ENTRY_TABLE
        mov     dword [pdpt_high + 510 * 8], pds + ENTRY_TABLE
        mov     ecx, 3
.pdpt:
        mov     eax, ecx
        shl     eax, 12
        add     eax, pds + ENTRY_TABLE
        mov     [pdpt_low + ecx * 8], eax
        dec     ecx
        jns     .pdpt
        mov     ecx, 4 * 512 - 1
.pd:
        mov     eax, ecx
        shl     eax, 21
        or      eax, ENTRY_LARGE
        mov     [pds + ecx * 8], eax
        dec     ecx
        jns     .pd

        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, pml4
        mov     cr3, eax
        mov     ecx, EFER
        rdmsr
        or      eax, EFER_LME
        wrmsr
        mov     eax, cr0
        or      eax, CR0_PE_WP_PG
        mov     cr0, eax
        lgdt    [gdt_ptr]
        jmp     BOOT_CS64:start64

; ESI = sentence: on the screen and the serial line, then stop
refuse:
        mov     ecx, 0xb8000
.next:
        lodsb
        test    al, al
        jz      .stop
        mov     ah, 0x0f
        mov     [ecx], ax
        add     ecx, 2
        mov     edx, COM1
        out     dx, al
        jmp     .next
.stop:
        hlt
        jmp     .stop

bits 64
start64:
        xor     eax, eax
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        mov     edi, edi
        mov     rsp, boot_block + CPU_OFFSET
        xor     ebp, ebp
        mov     rax, boot_main
        call    rax

text_loader: db "mica: not started by a Multiboot 2 boot loader", 13, 10, 0
text_cpu:    db "mica: this CPU has no 64-bit mode", 13, 10, 0

align 8
gdt:    dq      0, 0x00af9b000000ffff
gdt_ptr:
        dw      gdt_ptr - gdt - 1
        dd      gdt

section .boot.bss nobits alloc write align=4096
pml4:           resb 4096
pdpt_low:       resb 4096
pdpt_high:      resb 4096
pds:            resb 4 * 4096
                resb 64
boot_stack32:

; The boot CPU's stack until it has a block of its own: of the same shape, so that this_cpu() finds a (zero) struct cpu.
section .bss.page nobits alloc write align=CPU_BLOCK
boot_block:     resb CPU_BLOCK

section .text
; void stack_switch(void *top, void (*fn)(void)): go on in fn on another stack
global stack_switch
stack_switch:
        mov     rsp, rdi
        xor     ebp, ebp
        call    rsi

section .note.GNU-stack noalloc noexec nowrite progbits
