; SPDX-License-Identifier: MIT
; What exits cost, measured from inside: for each operation the median of 1,000 rounds, in ticks of the TSC, less what the
; measuring itself takes. Prints lines `BENCH: name: ticks` and powers off.
        %include "start.inc"

ROUNDS     equ 1000
SAMPLES    equ image + 0x40000
IDT        equ image + 0x80000
LAPIC      equ 0xfee00000
IOAPIC     equ 0xfec00000
VECTOR     equ 0x41

; measure "name" ... measured: the operation between them may use all registers but RBP, RSP
%macro measure 1
        %push
        jmp     %$over
%$name: db      %1, 0
%$round:
%endmacro
%macro measured 0
        ret
%$over: mov     esi, %$name
        mov     edi, %$round
        call    measure_row
        %pop
%endmacro

main:   call    apic_set_up
        mov     edi, nothing
        call    measure_median
        mov     [overhead], eax
        measure "exit_cpuid"
        xor     eax, eax
        xor     ecx, ecx
        cpuid
        measured
        measure "exit_cpuid1"
        mov     eax, 1
        xor     ecx, ecx
        cpuid
        measured
        measure "exit_port80"
        out     0x80, al
        measured
        measure "exit_port3fd"
        mov     dx, COM1 + 5
        in      al, dx
        measured
        measure "exit_pit"
        in      al, 0x40
        measured
        measure "exit_pm_timer"
        mov     dx, 0x608
        in      eax, dx
        measured
        measure "exit_rdmsr"
        mov     ecx, 0xfe
        rdmsr
        measured
        measure "exit_wrmsr"
        mov     ecx, 0x6e0
        xor     eax, eax
        xor     edx, edx
        wrmsr
        measured
        measure "exit_mmio"
        mov     ebx, IOAPIC
        mov     eax, [rbx + 0x10]
        measured
        measure "exit_mmio_write"
        mov     ebx, IOAPIC
        mov     dword [rbx], 1
        measured
        measure "apic_read"
        mov     ebx, LAPIC
        mov     eax, [rbx + 0x20]
        measured
        measure "exit_apic_read"
        mov     ebx, LAPIC
        mov     eax, [rbx + 0x390]
        measured
        measure "exit_eoi"
        mov     ebx, LAPIC
        mov     dword [rbx + 0xb0], 0
        measured
        measure "self_ipi"
        cli
        mov     ebx, LAPIC
        mov     dword [rbx + 0x300], 0x44000 + VECTOR
        sti
        nop
        nop
        measured
        measure "timer"
        call    deadline_round
        measured
        mov     esi, done_text
        jmp     put_text

nothing: ret

; Arms the deadline in the past with interrupts off, then lets it come.
deadline_round:
        cli
        rdtsc
        mov     ecx, 0x6e0
        wrmsr
        mov     ecx, [interrupts]
        sti
.wait:  cmp     ecx, [interrupts]
        je      .wait
        ret

; RSI: name, RDI: operation
measure_row:
        push    rsi
        call    measure_median
        sub     eax, [overhead]
        jnc     .positive
        xor     eax, eax
.positive:
        pop     rsi
        push    rax
        push    rsi
        mov     esi, bench_text
        call    put_text
        pop     rsi
        call    put_text
        mov     al, ':'
        call    put_char
        pop     rax
        call    put_number
        jmp     new_line

; RDI: operation; EAX: median of its times
measure_median:
        xor     ebp, ebp
.round: push    rdi
        rdtsc
        mov     [started], eax
        call    rdi
        rdtsc
        sub     eax, [started]
        mov     [SAMPLES + rbp * 4], eax
        pop     rdi
        inc     ebp
        cmp     ebp, ROUNDS
        jb      .round
; Sorting by insertion: most samples are alike.
        mov     ecx, 1
.insert:
        mov     eax, [SAMPLES + rcx * 4]
        mov     edx, ecx
.shift: test    edx, edx
        jz      .place
        mov     ebx, [SAMPLES + rdx * 4 - 4]
        cmp     ebx, eax
        jbe     .place
        mov     [SAMPLES + rdx * 4], ebx
        dec     edx
        jmp     .shift
.place: mov     [SAMPLES + rdx * 4], eax
        inc     ecx
        cmp     ecx, ROUNDS
        jb      .insert
        mov     eax, [SAMPLES + ROUNDS / 2 * 4]
        ret

interrupt:
        push    rbx
        inc     dword [interrupts]
        mov     ebx, LAPIC
        mov     dword [rbx + 0xb0], 0
        pop     rbx
        iretq

; Local APIC on, 8259 off, an interrupt table with one gate, the timer in deadline mode.
apic_set_up:
        mov     al, 0xff
        out     0x21, al
        out     0xa1, al
        mov     eax, interrupt
        mov     [IDT + VECTOR * 16], ax
        mov     word [IDT + VECTOR * 16 + 2], cs
        mov     word [IDT + VECTOR * 16 + 4], 0x8e00
        shr     eax, 16
        mov     [IDT + VECTOR * 16 + 6], ax
        mov     qword [IDT + VECTOR * 16 + 8], 0
        lidt    [.idtr]
        mov     ebx, LAPIC
        mov     dword [rbx + 0xf0], 0x1ff
        mov     ebx, LAPIC
        mov     dword [rbx + 0x320], 0x40000 + VECTOR
        ret
.idtr:  dw      0xfff
        dq      IDT

bench_text: db "BENCH: ", 0
done_text:  db "bench: done", 13, 10, 0
        align 4
overhead:   dd 0
started:    dd 0
interrupts: dd 0
