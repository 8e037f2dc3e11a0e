; SPDX-License-Identifier: GPL-2.0-only
; Into the guest and out of it. HOST_RSP is the end of the vCPU's GPR area, its first member, in the order of enum gpr: an exit
; pushes the guest's registers straight to where they are kept. The asserts are in vmcs.c.
%define VCPU_CPU        128
%define VCPU_LAUNCHED   136

extern vmx_exit, vmx_exit_ports, vmx_entry_refused

section .text

; _Noreturn void vmx_enter(struct vcpu *v)
global vmx_enter
align 16
vmx_enter:
        cmp     byte [rdi + VCPU_LAUNCHED], 0
        mov     rsp, rdi
        pop     rax                             ; POP leaves the flags alone
        pop     rcx
        pop     rdx
        pop     rbx
        pop     rbp                             ; RSP is in the VMCS
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
        je      .launch
        vmresume
        jmp     .refused
.launch:
        mov     byte [rsp - 128 + VCPU_LAUNCHED], 1
        vmlaunch
.refused:                                       ; RSP is still the end of the GPR area
        lea     rdi, [rsp - 128]
        mov     rsp, [rdi + VCPU_CPU]
        call    vmx_entry_refused

; HOST_RIP: the usual one, and that of a vCPU whose VMM has I/O ports
%macro exit_stub 2
global %1
align 16
%1:
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
        push    rax
        mov     rdi, rsp
        mov     rsp, [rdi + VCPU_CPU]
        call    %2
%endmacro
exit_stub vmx_exit_stub, vmx_exit
exit_stub vmx_exit_ports_stub, vmx_exit_ports
section .note.GNU-stack noalloc noexec nowrite progbits
