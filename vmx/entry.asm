; SPDX-License-Identifier: MIT
; Into the guest and out of it. HOST_RSP is the end of the vCPU's GPR area (RSP is in the VMCS). The asserts are in vmcs.c.
%include "ukernel/vcpu.inc"
%define VCPU_LAUNCHED   VCPU_OWN

extern vmx_exit, vmx_exit_ports, vmx_entry_refused

section .text

; _Noreturn void vmx_enter(struct vcpu *v)
global vmx_enter
align 16
vmx_enter:
        cmp     byte [rdi + VCPU_LAUNCHED], 0
        mov     rsp, rdi
        pop     rax
        guest_registers_load
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
        guest_registers_save
        push    rax
        mov     rdi, rsp
        mov     rsp, [rdi + VCPU_CPU]
        call    %2
%endmacro
exit_stub vmx_exit_stub, vmx_exit
exit_stub vmx_exit_ports_stub, vmx_exit_ports
section .note.GNU-stack noalloc noexec nowrite progbits
