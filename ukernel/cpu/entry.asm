; SPDX-License-Identifier: MIT
; All ways into the kernel from user mode, and back out: hypercalls, exceptions, interrupts.
;
; A hypercall arrives through the stub page: RAX number, RDI RSI RDX R10 R8 R9 arguments. It returns to the stub's `ret`, so its RIP
; is a constant, and its RSP is in RCX. Every CPU's stack top is its struct cpu, so [rsp + CPU_...] at entry is that CPU's data.
%include "ukernel/offsets.inc"

extern hypercall_table, hypercall_resched, schedule_here, trap_entry, nmi_handler, mce_handler, exception_kernel, hypercall_by_syscall

section .text

; ---- the stub page: copied to HYPERCALL_PAGE at boot -----------------------------------------------------------------------
; `call HYPERCALL_PAGE` has pushed the way back; both variants put STUB_RET at the same place.
STUB_RET equ HYPERCALL_PAGE + 6

global stub_sysenter_start, stub_sysenter_end, stub_syscall_start, stub_syscall_end
stub_sysenter_start:
        mov     rcx, rsp
        sysenter
        nop
        ret
stub_sysenter_end:
stub_syscall_start:
        syscall
        nop
        nop
        nop
        nop
        ret
stub_syscall_end:

; ---- hypercalls ------------------------------------------------------------------------------------------------------------
; AMD has no SYSENTER in 64-bit mode. SYSCALL finds no stack: each CPU's LSTAR points to a thunk of its own that knows it. The
; RIP it leaves in RCX is the stub's, a constant, so RCX is free for the user's RSP as on the other path.
global syscall_thunks, syscall_entry
align 32
syscall_thunks:
syscall_entry:
%assign n 0
%rep MAX_CPUS
align 32                                        ; THUNK_SIZE of gdt.c
        mov     rcx, rsp
        mov     rsp, CPU_AREA + n * CPU_BLOCK + CPU_OFFSET
        jmp     near sysenter_entry
%assign n n + 1
%endrep

global sysenter_entry
align 16
sysenter_entry:
        push    2                               ; AC, DF, NT and TF are the user's: clear them all
        popfq
        mov     r11, [rsp + CPU_CURRENT]
        mov     [r11 + EC_RSP], rcx
        cmp     eax, HC_IPC_REPLY               ; the replier's registers are dead
        je      .dispatch
        mov     [r11 + EC_RBX], rbx
        mov     [r11 + EC_RBP], rbp
        mov     [r11 + EC_R12], r12
        mov     [r11 + EC_R13], r13
        mov     [r11 + EC_R14], r14
        mov     [r11 + EC_R15], r15
        cmp     eax, HYPERCALLS
        jae     .bad
.dispatch:
        mov     rcx, r10
        mov     eax, eax
        call    [hypercall_table + rax * 8]     ; -> RAX status, RDX value
.done:
        cmp     byte [rsp + CPU_RESCHED], 0
        jne     .resched
        mov     r11, [rsp + CPU_CURRENT]
        mov     rsi, rdx
        mov     rcx, [r11 + EC_RSP]
        mov     rdx, STUB_RET
        xor     edi, edi
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        jmp     to_user
.bad:
        mov     eax, ST_BAD_HYP
        xor     edx, edx
        jmp     .done
.resched:
        mov     rdi, rax
        mov     rsi, rdx
        jmp     hypercall_resched

; RDX = RIP, RCX = RSP; the rest is the user's already. A RSP that is not canonical faults in SYSEXIT: trap_entry knows the place.
global sysexit_insn
to_user:
        cmp     byte [rel hypercall_by_syscall], 0
        jne     to_user_sysret
        sti                                     ; takes effect after the next instruction
sysexit_insn:
        o64 sysexit
to_user_sysret:
        mov     rsp, rcx
        mov     rcx, rdx
        mov     r11d, 0x202
        o64 sysret

; _Noreturn void ret_user_hypercall(struct ec *ec): status, value and the preserved registers from ec->regs
global ret_user_hypercall
ret_user_hypercall:
        mov     rbx, [rdi + EC_RBX]
        mov     rbp, [rdi + EC_RBP]
        mov     r12, [rdi + EC_R12]
        mov     r13, [rdi + EC_R13]
        mov     r14, [rdi + EC_R14]
        mov     r15, [rdi + EC_R15]
        mov     rax, [rdi + EC_RAX]
        mov     rsi, [rdi + EC_RSI]
        mov     rcx, [rdi + EC_RSP]
        mov     rdx, STUB_RET
        xor     edi, edi
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        jmp     to_user

; _Noreturn void enter_portal(uint64_t id, uint64_t mtd, uint64_t ip, uint64_t sp): RDI, RSI, RDX, RCX are in place
global enter_portal
enter_portal:
        xor     eax, eax
        xor     ebx, ebx
        xor     ebp, ebp
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        xor     r12d, r12d
        xor     r13d, r13d
        xor     r14d, r14d
        xor     r15d, r15d
        jmp     to_user

; _Noreturn void ret_user_iret(struct ec *ec): everything from ec->regs
global ret_user_iret
ret_user_iret:
        lea     rsp, [rdi + EC_REGS]
pop_and_iret:
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
        add     rsp, 16                         ; vector, error
        iretq

; _Noreturn void schedule(void): nothing on the stack is needed any more
global schedule
schedule:
        and     rsp, ~(CPU_BLOCK - 1)
        add     rsp, CPU_OFFSET - 8
        jmp     schedule_here

; void asm_hlt_once(void): wait for one interrupt
global asm_hlt_once
asm_hlt_once:
        sti
        hlt
        cli
        ret

; ---- exceptions and interrupts ---------------------------------------------------------------------------------------------
%macro push_gprs 0
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
%endmacro

align 16
isr_common:
        push_gprs
        push    2
        popfq                                   ; the user's AC and DF
        mov     rdi, rsp
        call    trap_entry                      ; returns only to go on where it was
        jmp     pop_and_iret

%macro ist_stub 2                               ; on a stack of its own: handler(struct regs *)
isr_%1:
%if %1 != 8
        push    0
%endif
        push    %1
        push_gprs
        push    2
        popfq
        mov     rdi, rsp
        call    %2
        jmp     pop_and_iret
%endmacro

ist_stub 2, nmi_handler
ist_stub 8, exception_kernel
ist_stub 18, mce_handler

%assign v 0
%rep 256
%if v != 2 && v != 8 && v != 18
isr_ %+ v:
%if !(v == 10 || v == 11 || v == 12 || v == 13 || v == 14 || v == 17 || v == 21 || v == 29 || v == 30)
        push    0                               ; the CPU pushed no error code
%endif
        push    v
        jmp     isr_common
%endif
%assign v v + 1
%endrep

section .rodata
global isr_table
align 8
isr_table:
%assign v 0
%rep 256
        dq      isr_ %+ v
%assign v v + 1
%endrep
section .note.GNU-stack noalloc noexec nowrite progbits
