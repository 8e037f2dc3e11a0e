; SPDX-License-Identifier: MIT
; x87 and SSE from real mode: results, #NM, MXCSR.
%include "boot.inc"
        fninit
        fld1
        fldpi
        faddp
        fstp qword [value]
        mov eax, [value+4]
        call hex32
        mov eax, [value]
        call hex32
        call newline
        fld qword [value]
        fsqrt
        fistp dword [value]
        mov eax, [value]
        call hex32
        fldl2e
        fbstp [value]
        mov ax, [value]
        call hex16
        call newline
        cli
        mov word [7*4], nm
        mov word [7*4+2], 0
        mov eax, cr0
        or al, 8                        ; TS
        mov cr0, eax
        sti
        fld1
        clts
        say 'NM', 13, 10
        mov eax, cr4
        or ax, 600h                     ; OSFXSR, OSXMMEXCPT
        mov cr4, eax
        movups xmm1, [numbers]
        addps xmm1, xmm1
        movups [value], xmm1
        mov eax, [value+4]
        call hex32
        stmxcsr [value]
        mov eax, [value]
        call hex32
        done
nm:     mov byte [seen], 1
        clts
        iret
seen:   db 0
align 16
value:  times 16 db 0
numbers: dd 1.0, 2.5, 3.0, 4.0
