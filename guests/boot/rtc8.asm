; SPDX-License-Identifier: MIT
; The clock chip: IRQ 8 at 1024 Hz, update-ended and alarm interrupts, INT 1Ah against the registers.
%include "boot.inc"
        cli
        mov word [70h*4], handler
        mov word [70h*4+2], 0
        in al, 0a1h
        and al, 0feh
        out 0a1h, al
        in al, 21h
        and al, 0fbh
        out 21h, al
        mov al, 0ah
        mov ah, 26h                     ; 1024 Hz
        call put
        mov ax, 420bh                   ; periodic
        call put
        mov al, 0ch
        out 70h, al
        in al, 71h
        sti
.wait:  hlt
        cmp word [count], 512
        jb .wait
        say '512 periodic', 13, 10
        cli
        mov ax, 120bh                   ; update ended
        call put
        mov al, 0ch
        out 70h, al
        in al, 71h
        mov word [count], 0
        sti
.upd:   hlt
        cmp word [count], 2
        jb .upd
        mov al, [cause]
        and al, 90h
        say 'update '
        call hex8
        call newline
        cli
        mov ax, 220bh                   ; alarm: every second
        call put
        mov ax, 0ff01h
        call put
        mov ax, 0ff03h
        call put
        mov ax, 0ff05h
        call put
        mov word [count], 0
        sti
.alarm: hlt
        cmp word [count], 1
        jb .alarm
        mov al, [cause]
        and al, 0a0h
        say 'alarm '
        call hex8
        call newline
        cli
        mov ax, 020bh
        call put
        sti
        mov ah, 2
        int 1ah
        jnc .time
        say 'BAD time'
.time:  say '~time '
        mov ax, cx
        call hex16
        mov al, dh
        call hex8
        call newline
        mov al, 4
        out 70h, al
        in al, 71h
        cmp al, ch
        je .hours
        say 'BAD hours'
.hours: mov ah, 4
        int 1ah
        say '~date '
        mov ax, cx
        call hex16
        mov ax, dx
        call hex16
        call newline
        mov ah, 0
        int 1ah
        test cx, cx
        say 'ticks', 13, 10
        mov al, 0dh
        out 70h, al
        in al, 71h
        say 'battery '
        call hex8
        call newline
        mov al, 0fh
        out 70h, al
        in al, 71h
        say 'shutdown '
        call hex8
        done
put:    out 70h, al                     ; register AL = AH
        xchg al, ah
        out 71h, al
        ret
handler: push ax
        mov al, 0ch
        out 70h, al
        in al, 71h
        mov [cs:cause], al
        inc word [cs:count]
        mov al, 20h
        out 0a0h, al
        out 20h, al
        pop ax
        iret
count:  dw 0
cause:  db 0
