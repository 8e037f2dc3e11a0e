; SPDX-License-Identifier: MIT
; All portals of a vCPU's exits begin here: RDI = event number, RSP below the handler's struct thread (lib/sys/thread.h),
; whose `arg` is the vCPU. Nothing is saved: the handler begins anew with each exit.


START_PUBLIC   equ 0x10001000          ; lib/sys/start.h
HYPERCALL_PAGE equ 0x7fffffffe000      ; abi/layout.h
HC_ipc_reply   equ 1                   ; abi/hypercalls.def
VCPU_STATE     equ 0                        ; struct vcpu: state, event
VCPU_EVENT     equ 8
THREAD_ARG     equ 40                       ; struct thread: arg

extern exit_handlers

section .text
global exit_entry
align 16
exit_entry:
        mov     rax, rdi
        mov     rdi, [rsp + 8 + THREAD_ARG]
        mov     rsi, [rdi + VCPU_STATE]
        mov     [rdi + VCPU_EVENT], rax
        inc     qword [START_PUBLIC]    ; struct vm_public: exits
        call    [exit_handlers + rax * 8]
        mov     rdi, rax                ; the reply's MTD
        mov     eax, HC_ipc_reply
        mov     rcx, HYPERCALL_PAGE
        call    rcx
        ud2
section .note.GNU-stack noalloc noexec nowrite progbits
