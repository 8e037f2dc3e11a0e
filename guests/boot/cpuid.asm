; SPDX-License-Identifier: MIT
; What boot loaders ask about the processor; the TSC runs, the flags can be toggled, MSRs that must be there.
%include "boot.inc"
        pushfd
        pop eax
        mov ecx, eax
        xor eax, 200000h
        push eax
        popfd
        pushfd
        pop eax
        cmp eax, ecx
        jne .has
        say 'BAD: no CPUID'
.has:   xor eax, eax
        cpuid
        mov [name], ebx
        mov [name+4], edx
        mov [name+8], ecx
        say '~'
        mov si, name
        call print
        call newline
        mov eax, 1
        cpuid
        say '~'
        call hex32
        call newline
        mov eax, edx
        and eax, 07808bffh & ~20002h   ; VME is not in every emulator
        say 'EDX '
        call hex32
        mov eax, ecx
        and eax, 1
        say ' SSE3 '
        call hex8
        call newline
        mov eax, 80000001h
        cpuid
        and edx, 20100800h
        mov eax, edx
        call hex32
        mov eax, 80000002h
        cpuid
        say 13, 10, '~'
        mov [name], eax
        mov [name+4], ebx
        mov [name+8], ecx
        mov si, name
        call print
        call newline
        rdtsc
        mov ecx, eax
        hlt
        rdtsc
        cmp eax, ecx
        jne .runs
        say 'BAD: TSC'
.runs:  mov ecx, 1bh
        rdmsr
        and eax, 0fffff900h
        call hex32
        mov ecx, 2ffh
        rdmsr
        say ' MTRR '
        and eax, 0c00h
        call hex32
        done
name:   times 13 db 0
