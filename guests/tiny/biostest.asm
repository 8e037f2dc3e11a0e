; SPDX-License-Identifier: MIT
; A boot floppy that calls the BIOS some hundred times and compares what comes back with what is documented (Ralf Brown's
; interrupt list, IBM's technical references). A line for each result that differs goes to the screen, to COM1 and to the
; debug ports E9h and 402h:   DIFF name: check got G want W
; At the end: `biostest: N calls, M checks, D differ`, and the machine is asked to end (ports F4h and 8900h).
; guests/tiny/biostest.inc has the calls.

bits 16
BUFFER  equ 2000h                       ; segment that calls may write to
PROGRAM equ 1000h
DELAY   equ 0f1h                        ; interrupt of our own: waits for two ticks
SECTORS equ (program_end - main + 511) / 512

; ---------------------------------------------------------------- boot sector
section boot start=0 vstart=7c00h
        jmp short start
        nop
        db 'MICATEST'                   ; a floppy of 1.44 MB
        dw 512
        db 1
        dw 1
        db 2
        dw 224, 2880
        db 0f0h
        dw 9, 18, 2
        dd 0, 0
        db 0, 0, 29h
        dd 12345678h
        db 'BIOSTEST   FAT12   '
start:  cli
        xor ax, ax
        mov ss, ax
        mov sp, 7c00h
        mov ds, ax
        sti
        mov [drive], dl
        mov ax, PROGRAM
        mov es, ax
        mov si, 1                       ; LBA
.next:  mov ax, si
        mov bl, 18
        div bl
        mov cl, ah
        inc cl
        mov ch, al
        shr ch, 1
        mov dh, al
        and dh, 1
        mov dl, [drive]
        xor bx, bx
        mov ax, 0201h
        int 13h
        jc .next
        mov ax, es
        add ax, 20h
        mov es, ax
        inc si
        cmp si, SECTORS
        jbe .next
        mov dl, [drive]
        jmp PROGRAM:0
drive:  db 0
        times 510 - ($ - $$) db 0
        dw 0aa55h

; ---------------------------------------------------------------- program
section program follows=boot align=512 vstart=0
main:   mov ax, cs
        mov ds, ax
        cld
        mov [boot_drive], dl
        mov dx, 3f9h                    ; COM1: 115200, 8N1, no interrupts
        xor al, al
        out dx, al
        mov dx, 3fbh
        mov al, 80h
        out dx, al
        mov dx, 3f8h
        mov al, 1
        out dx, al
        inc dx
        xor al, al
        out dx, al
        mov dx, 3fbh
        mov al, 3
        out dx, al
        xor ax, ax
        mov es, ax
        mov word [es:4 * DELAY], delay
        mov word [es:4 * DELAY + 2], cs
        mov si, tests
.test:  cmp byte [si], 0ffh
        je finish
        cmp byte [si], 0feh
        je .verdict
        call run
        jmp .test
.verdict:
        call verdict
        inc si
        jmp .test

delay:  push es
        push ax
        push bx
        mov ax, 40h
        mov es, ax
        mov bx, 3
        sti
.tick:  mov ax, [es:6ch]
.same:  hlt
        cmp ax, [es:6ch]
        je .same
        dec bx
        jnz .tick
        pop bx
        pop ax
        pop es
        iret

finish: mov ax, 3
        int 10h
        call verdict
        mov ax, [differ]
        mov dx, 0f4h
        out dx, al
        mov si, text_shutdown
        mov dx, 8900h
.byte:  lodsb
        test al, al
        jz .halt
        out dx, al
        jmp .byte
.halt:  hlt
        jmp .halt

verdict:
        pusha
        mov si, text_verdict
        call print
        mov ax, [calls]
        call decimal
        mov si, text_calls
        call print
        mov ax, [checks]
        call decimal
        mov si, text_checks
        call print
        mov ax, [differ]
        call decimal
        mov si, text_differ
        call print
        popa
        ret

; A record: vector, AX BX CX DX SI DI BP ES, name (ended by 0), checks (ended by 0).
run:    mov [record], si
        inc word [calls]
        mov al, [si]
        mov [.int + 1], al
        mov ax, [si + 1]
        mov [in_ax], ax
        mov bx, [si + 3]
        mov cx, [si + 5]
        mov dx, [si + 7]
        mov di, [si + 11]
        mov bp, [si + 13]
        mov es, [si + 15]
        mov si, [si + 9]
        cmp dl, 0feh                    ; "the drive that we booted from"
        jne .go
        mov dl, [boot_drive]
.go:    mov [saved_sp], sp
        push word 0                     ; flags as of the start
        popf
        sti
        mov ax, BUFFER
        mov ds, ax
        mov ax, [cs:in_ax]
        jmp short .int                  ; the code has been changed
.int:   int 0
        mov [cs:out_ds], ds
        push cs
        pop ds
        mov [out_ax], ax
        pushf
        pop word [out_flags]
        mov sp, [saved_sp]
        sti
        cld
        mov [out_bx], bx
        mov [out_cx], cx
        mov [out_dx], dx
        mov [out_si], si
        mov [out_di], di
        mov [out_bp], bp
        mov [out_es], es
        mov si, [record]
        add si, 17
        mov [name], si
.skip:  lodsb
        test al, al
        jnz .skip
.check: lodsb                           ; kind, then a, b, value, mask, text
        test al, al
        jz .done
        inc word [checks]
        movzx bx, al
        add bx, bx
        call [kinds + bx - 2]           ; value in AX
        and ax, [si + 6]
        cmp ax, [si + 4]
        je .same
        call report
.same:  add si, 8
.text:  lodsb
        test al, al
        jnz .text
        jmp .check
.done:  ret

kinds:  dw get_out, get_buffer, get_memory, get_index, get_attribute, get_dac, get_port

get_out:                                ; a: which of the results
        mov bx, [si]
        mov ax, [out_ax + bx]
        ret
get_buffer:
        push es
        mov ax, BUFFER
        mov es, ax
        mov bx, [si]
        mov ax, [es:bx]
        pop es
        ret
get_memory:                             ; a: segment, b: offset
        push es
        mov es, [si]
        mov bx, [si + 2]
        mov ax, [es:bx]
        pop es
        ret
get_index:                              ; a: port, b: index
        mov dx, [si]
        mov al, [si + 2]
        out dx, al
        inc dx
        in al, dx
        mov ah, 0
        ret
get_attribute:                          ; a: index
        mov dx, 3dah
        in al, dx
        mov dl, 0bah
        in al, dx
        mov dx, 3c0h
        mov al, [si]
        out dx, al
        inc dx
        in al, dx
        mov ah, 0
        push ax
        mov dx, 3dah
        in al, dx
        mov dl, 0bah
        in al, dx
        mov dx, 3c0h
        mov al, 20h
        out dx, al
        pop ax
        ret
get_dac:                                ; a: index, b: which colour
        mov dx, 3c7h
        mov al, [si]
        out dx, al
        mov dx, 3c9h
        mov cx, [si + 2]
        inc cx
.next:  in al, dx
        loop .next
        mov ah, 0
        ret
get_port:                               ; a: port
        mov dx, [si]
        in al, dx
        mov ah, 0
        ret

report: push si
        push ax
        inc word [differ]
        mov si, text_diff
        call print
        mov si, [name]
        call print
        mov si, text_colon
        call print
        pop ax
        pop si
        push si
        push ax
        add si, 8
        call print
        mov si, text_got
        call print
        pop ax
        call hex
        mov si, text_want
        call print
        pop si
        push si
        mov ax, [si + 4]
        call hex
        mov si, text_newline
        call print
        pop si
        ret

; ---- output; all registers survive
print:  pusha
.next:  lodsb
        test al, al
        jz .done
        call putc
        jmp .next
.done:  popa
        ret

putc:   pusha
        out 0e9h, al
        mov dx, 402h
        out dx, al
        mov bl, al
        mov cx, 0ffffh
.wait:  mov dx, 3fdh
        in al, dx
        test al, 20h
        loopz .wait
        mov dx, 3f8h
        mov al, bl
        out dx, al
        cmp byte [on_screen], 0
        je .done
        mov ah, 0eh
        mov bx, 7
        int 10h
.done:  popa
        ret

hex:    pusha
        mov cx, 4
        mov dx, ax
.digit: rol dx, 4
        mov al, dl
        and al, 15
        cmp al, 10
        sbb al, 69h
        das
        call putc
        loop .digit
        popa
        ret

decimal:
        pusha
        xor cx, cx
        mov bx, 10
.split: xor dx, dx
        div bx
        push dx
        inc cx
        test ax, ax
        jnz .split
.digit: pop ax
        add al, '0'
        call putc
        loop .digit
        popa
        ret

text_verdict:  db 'biostest: ', 0
text_calls:    db ' calls, ', 0
text_checks:   db ' checks, ', 0
text_differ:   db ' differ', 13, 10, 0
text_diff:     db 'DIFF ', 0
text_colon:    db ': ', 0
text_got:      db ' got ', 0
text_want:     db ' want ', 0
text_newline:  db 13, 10, 0
text_shutdown: db 'Shutdown', 0

boot_drive:    db 0
on_screen:     db 0                     ; results on the screen would disturb the screen's tests
        align 2
calls:         dw 0
checks:        dw 0
differ:        dw 0
record:        dw 0
name:          dw 0
saved_sp:      dw 0
in_ax:         dw 0
out_ax:        dw 0
out_bx:        dw 0
out_cx:        dw 0
out_dx:        dw 0
out_si:        dw 0
out_di:        dw 0
out_bp:        dw 0
out_es:        dw 0
out_ds:        dw 0
out_flags:     dw 0

; What the BIOS calls back.
mouse_handler: retf

tests:
%include "biostest.inc"
        db 0ffh
program_end:
        times 2880 * 512 - 512 - ($ - $$) db 0
