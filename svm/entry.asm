; SPDX-License-Identifier: MIT
; Into the guest and out of it (RAX and RSP are in the VMCB). GIF is clear, so that nothing interrupts while registers are the
; guest's. The asserts are in exit.c.
%include "ukernel/vcpu.inc"
%define VCPU_VMCB       VCPU_OWN
%define VCPU_HOST       VCPU_OWN + 8

extern svm_exit

section .text

; _Noreturn void svm_enter(struct vcpu *v)
global svm_enter
align 16
svm_enter:
        clgi
        sti                                     ; host interrupts end the stay, once GIF is set by VMRUN
        lea     rsp, [rdi + 8]
        guest_registers_load
        mov     rax, [rsp - 128 + VCPU_VMCB]
        vmload
        vmrun                                   ; an exit comes back here, with RAX and RSP as they were
        vmsave
        guest_registers_save
        lea     rdi, [rsp - 8]
        mov     rax, [rdi + VCPU_HOST]
        vmload
        mov     rsp, [rdi + VCPU_CPU]
        cli
        stgi                                    ; an NMI that ended the stay is taken here
        call    svm_exit
section .note.GNU-stack noalloc noexec nowrite progbits
