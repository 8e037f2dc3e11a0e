; SPDX-License-Identifier: MIT
; x87 errors as the AT reports them, CR0.NE clear: IRQ 13, whose handler the program takes over; then one as a BIOS has it, which goes on
; to INT 02h. (VT-x only: QEMU's SVM raises the host's IRQ 13;
; QEMU itself ends with an assertion when it counts instructions: no reference)
%include "boot.inc"
        cli
        mov word [75h*4], error
        mov word [75h*4+2], 0
        sti
        in al, 0a1h
        and al, 0dfh
        out 0a1h, al
        fninit
        mov word [control], 37bh        ; zero divide is not masked
        fldcw [control]
        fld1
        fldz
        fdivp                           ; pending
        fwait                           ; here it comes
        mov ax, [status]
        and ax, 84h
        cmp ax, 84h
        jne .bad
        cmp byte [count], 1
        jne .bad
        fninit                          ; and by a handler as the BIOS has it
        fldcw [control]
        cli
        mov word [75h*4], old
        sti
        mov word [2*4], nmi
        mov word [2*4+2], 0
        fld1
        fldz
        fdivp
        fld1
        cmp byte [count], 17
        jne .bad
        fnstsw ax
        test al, 84h
        jnz .bad
        mov eax, cr0
        test al, 20h
        jz .good
.bad:   say 'BAD', 13, 10
.good:
        done
error:  push ax
        xor al, al
        out 0f0h, al
        fnstsw [status]
        fnclex
        inc byte [count]
        mov al, 20h
        out 0a0h, al
        out 20h, al
        pop ax
        iret
old:    push ax
        xor al, al
        out 0f0h, al
        mov al, 20h
        out 0a0h, al
        out 20h, al
        pop ax
        int 2
        iret
nmi:    fnclex
        add byte [count], 16
        iret
control: dw 0
status: dw 0
count:  db 0
