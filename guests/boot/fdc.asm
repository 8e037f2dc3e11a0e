; SPDX-License-Identifier: MIT
; The floppy controller without the BIOS: reset, specify, recalibrate, seek, read by DMA, read ID; IRQ 6.
%include "boot.inc"
        cli
        mov word [0eh*4], handler
        mov word [0eh*4+2], 0
        in al, 21h
        and al, 0bfh
        out 21h, al
        sti
        mov dx, 3f2h
        mov al, 0
        out dx, al
        mov byte [fired], 0
        mov al, 1ch                     ; motor of drive 0, DMA, no reset
        out dx, al
        call irq
        mov cx, 4
.sense: mov al, 8
        call put
        call get
        call hex8
        call get
        call hex8
        loop .sense
        mov al, 3
        call put
        mov al, 0dfh
        call put
        mov al, 2
        call put
        mov dx, 3f7h
        mov al, 0
        out dx, al
        call newline
        mov byte [fired], 0
        mov al, 7
        call put
        mov al, 0
        call put
        call irq
        call sense
        mov byte [fired], 0
        mov al, 0fh                     ; seek to 1
        call put
        mov al, 0
        call put
        mov al, 1
        call put
        call irq
        call sense
        ; DMA channel 2: 18 sectors to 20000h
        mov al, 6
        out 0ah, al
        out 0ch, al
        mov al, 46h
        out 0bh, al
        mov al, 0
        out 04h, al
        out 04h, al
        mov al, 2
        out 81h, al
        mov ax, 18*512-1
        out 05h, al
        mov al, ah
        out 05h, al
        mov al, 2
        out 0ah, al
        mov byte [fired], 0
        mov si, command
        mov cx, 9
.put:   lodsb
        call put
        loop .put
        call irq
        mov cx, 7
.result: call get
        call hex8
        loop .result
        mov ax, 2000h
        push ds
        mov ds, ax
        xor si, si
        mov cx, 9216
        call checksum
        pop ds
        say ' '
        call hex32
        in al, 08h
        say ' DMA '
        and al, 0fh
        call hex8
        call newline
        mov al, 4ah                     ; read ID
        call put
        mov byte [fired], 0
        mov al, 0
        call put
        call irq
        mov cx, 3
.id:    call get
        call hex8
        loop .id
        mov cx, 4
.rest:  call get
        loop .rest
        mov al, 4                       ; sense drive
        call put
        mov al, 0
        call put
        call get
        say ' drive '
        call hex8
        mov al, 10h                     ; version
        call put
        call get
        say ' version '
        call hex8
        mov al, 1fh                     ; no such command
        call put
        call get
        say ' invalid '
        call hex8
        done
command: db 0e6h, 0, 1, 0, 1, 2, 18, 1bh, 0ffh
sense:  mov al, 8
        call put
        call get
        call hex8
        call get
        call hex8
        call newline
        ret
irq:    cmp byte [fired], 0
        je irq
        ret
put:    push dx
        push ax
        mov dx, 3f4h
.wait:  in al, dx
        and al, 0c0h
        cmp al, 80h
        jne .wait
        inc dx
        pop ax
        out dx, al
        pop dx
        ret
get:    push dx
        mov dx, 3f4h
.wait:  in al, dx
        and al, 0c0h
        cmp al, 0c0h
        jne .wait
        inc dx
        in al, dx
        pop dx
        ret
handler: push ax
        mov byte [cs:fired], 1
        mov al, 20h
        out 20h, al
        pop ax
        iret
fired:  db 0
