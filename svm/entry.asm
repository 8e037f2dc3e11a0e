; SPDX-License-Identifier: GPL-2.0-only
; Into the guest and out of it. RSP is the end of the vCPU's GPR area meanwhile, its first member, in the order of enum gpr: an exit
; pushes the guest's registers straight to where they are kept (RAX and RSP are in the VMCB). GIF is clear, so that nothing
; interrupts while registers are the guest's. The asserts are in exit.c.
%define VCPU_CPU        128
%define VCPU_VMCB       288
%define VCPU_HOST       296

extern svm_exit

section .text

; _Noreturn void svm_enter(struct vcpu *v)
global svm_enter
align 16
svm_enter:
        clgi
        sti                                     ; host interrupts end the stay, once GIF is set by VMRUN
        lea     rsp, [rdi + 8]
        pop     rcx
        pop     rdx
        pop     rbx
        pop     rbp                             ; RSP is in the VMCB
        pop     rbp
        pop     rsi
        pop     rdi
        pop     r8
        pop     r9
        pop     r10
        pop     r11
        pop     r12
        pop     r13
        pop     r14
        pop     r15
        mov     rax, [rsp - 128 + VCPU_VMCB]
        vmload
        vmrun                                   ; an exit comes back here, with RAX and RSP as they were
        vmsave
        push    r15
        push    r14
        push    r13
        push    r12
        push    r11
        push    r10
        push    r9
        push    r8
        push    rdi
        push    rsi
        push    rbp
        push    rax                             ; in the place of RSP
        push    rbx
        push    rdx
        push    rcx
        lea     rdi, [rsp - 8]
        mov     rax, [rdi + VCPU_HOST]
        vmload
        mov     rsp, [rdi + VCPU_CPU]
        cli
        stgi                                    ; an NMI that ended the stay is taken here
        call    svm_exit
section .note.GNU-stack noalloc noexec nowrite progbits
