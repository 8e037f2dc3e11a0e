; SPDX-License-Identifier: GPL-2.0-only
; What exits cost, measured from inside: for each operation the median of 1,000 rounds, in ticks of the TSC, less what the
; measuring itself takes. Prints a table and powers off.
        %include "start.inc"

ROUNDS     equ 1000
SAMPLES    equ image + 0x40000
IDT        equ image + 0x80000
LAPIC      equ 0xfee00000
IOAPIC     equ 0xfec00000
VECTOR     equ 0x41

; measure "name" ... measured: the operation between them may use all registers but EBP, ESP
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
        mov     esi, title
        call    put_text
        mov     edi, nothing
        call    measure_median
        mov     [overhead], eax
        measure "CPUID, leaf 0"
        xor     eax, eax
        xor     ecx, ecx
        cpuid
        measured
        measure "CPUID, leaf 1"
        mov     eax, 1
        xor     ecx, ecx
        cpuid
        measured
        measure "OUT 80h"
        out     0x80, al
        measured
        measure "IN 3FDh"
        mov     dx, COM1 + 5
        in      al, dx
        measured
        measure "IN 40h (PIT)"
        in      al, 0x40
        measured
        measure "IN 608h (PM timer)"
        mov     dx, 0x608
        in      eax, dx
        measured
        measure "RDMSR (MTRRCAP)"
        mov     ecx, 0xfe
        rdmsr
        measured
        measure "WRMSR (TSC deadline 0)"
        mov     ecx, 0x6e0
        xor     eax, eax
        xor     edx, edx
        wrmsr
        measured
        measure "I/O APIC, read"
        mov     eax, [IOAPIC + 0x10]
        measured
        measure "I/O APIC, write"
        mov     dword [IOAPIC], 1
        measured
        measure "local APIC, read ID"
        mov     eax, [LAPIC + 0x20]
        measured
        measure "local APIC, read count"
        mov     eax, [LAPIC + 0x390]
        measured
        measure "local APIC, EOI"
        mov     dword [LAPIC + 0xb0], 0
        measured
        measure "self IPI, STI, NOP"
        cli
        mov     dword [LAPIC + 0x300], 0x44000 + VECTOR
        sti
        nop
        nop
        measured
        measure "TSC deadline, interrupt"
        call    deadline_round
        measured
        mov     esi, interrupts_text
        call    put_text
        mov     eax, [interrupts]
        call    put_number
        jmp     new_line

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

; ESI: name, EDI: operation
measure_row:
        push    esi
        call    measure_median
        sub     eax, [overhead]
        jnc     .positive
        xor     eax, eax
.positive:
        pop     esi
        push    eax
        call    put_padded
        pop     eax
        call    put_number
        jmp     new_line

; ESI: text, padded to 26 columns
put_padded:
        mov     ecx, 26
.next:  lodsb
        test    al, al
        jz      .pad
        call    put_char
        loop    .next
        ret
.pad:   mov     al, ' '
        call    put_char
        loop    .pad
        ret

; EDI: operation; EAX: median of its times
measure_median:
        xor     ebp, ebp
.round: push    edi
        rdtsc
        mov     [started], eax
        call    edi
        rdtsc
        sub     eax, [started]
        mov     [SAMPLES + ebp * 4], eax
        pop     edi
        inc     ebp
        cmp     ebp, ROUNDS
        jb      .round
; Sorting by insertion: most samples are alike.
        mov     ecx, 1
.insert:
        mov     eax, [SAMPLES + ecx * 4]
        mov     edx, ecx
.shift: test    edx, edx
        jz      .place
        mov     ebx, [SAMPLES + edx * 4 - 4]
        cmp     ebx, eax
        jbe     .place
        mov     [SAMPLES + edx * 4], ebx
        dec     edx
        jmp     .shift
.place: mov     [SAMPLES + edx * 4], eax
        inc     ecx
        cmp     ecx, ROUNDS
        jb      .insert
        mov     eax, [SAMPLES + ROUNDS / 2 * 4]
        ret

interrupt:
        inc     dword [interrupts]
        mov     dword [LAPIC + 0xb0], 0
        iret

; Local APIC on, 8259 off, an interrupt table with one gate, the timer in deadline mode.
apic_set_up:
        mov     al, 0xff
        out     0x21, al
        out     0xa1, al
        mov     eax, interrupt
        mov     [IDT + VECTOR * 8], ax
        mov     word [IDT + VECTOR * 8 + 2], cs
        mov     word [IDT + VECTOR * 8 + 4], 0x8e00
        shr     eax, 16
        mov     [IDT + VECTOR * 8 + 6], ax
        lidt    [.idtr]
        mov     dword [LAPIC + 0xf0], 0x1ff
        mov     dword [LAPIC + 0x320], 0x40000 + VECTOR
        ret
.idtr:  dw      0x7ff
        dd      IDT

title:           db "exit                           ticks", 13, 10, 0
interrupts_text: db "interrupts taken          ", 0
        align 4
overhead:   dd 0
started:    dd 0
interrupts: dd 0
