; SPDX-License-Identifier: MIT
; The first instructions of an application processor, copied to a page below 1 MiB: real mode -> protected -> 64-bit mode.
; Its page tables map this page at its own address, executable and read-only, and else only the kernel's half.
CR0_PE        equ 1
CR0_WP_PG     equ 0x80010000
CR4_PAE       equ 1 << 5
EFER          equ 0xc0000080
AP_CS32       equ 8
AP_DS32       equ 16
AP_CS64       equ 24

extern ap_main

%define HERE(label) (label - ap_trampoline)

section .rodata
global ap_trampoline, ap_trampoline_end, ap_root, ap_efer, ap_stack
bits 16
align 16
ap_trampoline:
        cli
        cld
        mov     ax, cs
        mov     ds, ax
        movzx   ebx, ax
        shl     ebx, 4                          ; EBX = address of this page from here on
        lea     eax, [ebx + HERE(gdt)]
        mov     [HERE(gdt_ptr) + 2], eax        ; still physical memory, writable
        lea     eax, [ebx + HERE(protected)]
        mov     [HERE(far32)], eax
        lea     eax, [ebx + HERE(long_mode)]
        mov     [HERE(far64)], eax
        o32 lgdt [HERE(gdt_ptr)]
        mov     eax, cr0
        and     eax, 0x1fffffff                 ; caches on: CD and NW are set after INIT
        or      eax, CR0_PE
        mov     cr0, eax
        jmp     far dword [HERE(far32)]

bits 32
protected:
        mov     ax, AP_DS32
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, [ebx + HERE(ap_root)]
        mov     cr3, eax
        mov     ecx, EFER
        mov     eax, [ebx + HERE(ap_efer)]
        xor     edx, edx
        wrmsr
        mov     eax, cr0
        or      eax, CR0_WP_PG
        mov     cr0, eax
        jmp     far dword [ebx + HERE(far64)]

bits 64
long_mode:
        xor     eax, eax
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        mov     ebx, ebx
        mov     rsp, [rbx + HERE(ap_stack)]
        mov     rdi, rsp                        ; the stack's top is the CPU's struct cpu
        xor     ebp, ebp
        mov     rax, ap_main
        call    rax

align 8
gdt:            dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
gdt_ptr:        dw gdt_ptr - gdt - 1
                dd 0
far32:          dd 0
                dw AP_CS32
far64:          dd 0
                dw AP_CS64
align 8
ap_root:        dd 0                            ; filled in the copy by smp.c
ap_efer:        dd 0
ap_stack:       dq 0
ap_trampoline_end:

section .note.GNU-stack noalloc noexec nowrite progbits
