; SPDX-License-Identifier: MIT
; The first hard disk by the ports of its controller: IDENTIFY, reads by PIO with IRQ 14 and polled, bus-master DMA,
; errors. (disk: hda)
%include "boot.inc"
        cli
        mov word [76h*4], handler
        mov word [76h*4+2], 0
        in al, 0a1h
        and al, 0bfh
        out 0a1h, al
        sti
        mov dx, 3f6h
        mov al, 0ah                     ; no interrupts yet
        out dx, al
        mov al, 0a0h
        mov dx, 1f6h
        out dx, al
        call ready
        mov al, 0ech
        mov dx, 1f7h
        out dx, al
        call data
        mov di, 9000h
        mov cx, 256
        mov dx, 1f0h
        rep insw
        mov ax, [9000h+49*2]
        and ax, 300h
        call hex16
        mov ax, [9000h+60*2]
        say ' sectors '
        call hex16
        call newline
        ; LBA 1, 3 sectors, polled
        mov eax, 0e0000001h
        mov bl, 3
        mov bh, 20h
        call command
        mov di, 9000h
        mov cl, 3
.sector: push cx
        call data
        mov cx, 256
        mov dx, 1f0h
        rep insw
        pop cx
        dec cl
        jnz .sector
        mov si, 9000h
        mov cx, 1536
        call checksum
        call hex32
        call newline
        ; the same with interrupts, by CHS: sector 2
        mov dx, 3f6h
        mov al, 8
        out dx, al
        mov byte [fired], 0
        mov eax, 0a0000002h
        mov bl, 1
        mov bh, 20h
        call command
.irq:   cmp byte [fired], 1
        jb .irq
        mov dx, 1f7h
        in al, dx
        call hex8
        mov di, 9000h
        mov cx, 128
        mov dx, 1f0h
        rep insd
        mov si, 9000h
        mov cx, 512
        call checksum
        call hex32
        in al, dx                       ; nothing is left
        mov dx, 1f7h
        in al, dx
        call hex8
        call newline
        ; past the end
        mov byte [fired], 0
        mov eax, 0efffffffh
        mov bl, 1
        mov bh, 20h
        call command
.irq2:  cmp byte [fired], 1
        jb .irq2
        mov dx, 1f7h
        in al, dx
        and al, 89h
        call hex8
        call newline
        say '~error '                   ; ID not found or aborted
        mov dx, 1f1h
        in al, dx
        call hex8
        call newline
        ; write and read back; the drive keeps it
        mov eax, 0e0000030h
        mov bl, 1
        mov bh, 30h
        call command
        call data
        mov si, 7c00h
        mov cx, 256
        mov dx, 1f0h
        rep outsw
        call ready
        ; DMA: the controller by PCI BIOS
        mov ax, 0b103h
        mov ecx, 010180h
        xor si, si
        int 1ah
        jnc .pci
        mov ax, 0b103h
        mov ecx, 01018ah
        int 1ah
        jc .none
.pci:   mov ax, 0b10ah
        mov di, 20h
        int 1ah
        jc .none
        and cx, 0fffch
        mov [base], cx
        mov ax, 0b109h
        mov di, 4
        int 1ah
        or cx, 5
        mov ax, 0b10ch
        mov di, 4
        int 1ah
        mov dx, [base]
        add dx, 4
        mov eax, prd
        out dx, eax
        mov dx, [base]
        mov al, 8                       ; into memory
        out dx, al
        add dx, 2
        mov al, 6
        out dx, al
        mov byte [fired], 0
        mov eax, 0e0000030h
        mov bl, 1
        mov bh, 0c8h
        call command
        mov dx, [base]
        mov al, 9
        out dx, al
.irq3:  cmp byte [fired], 1
        jb .irq3
        mov dx, [base]
        mov al, 0
        out dx, al
        add dx, 2
        in al, dx
        and al, 7
        say 'DMA '
        call hex8
        mov dx, 1f7h
        in al, dx
        call hex8
        mov si, 9000h
        mov di, 7c00h
        mov cx, 512
        repe cmpsb
        je .good
        say ' BAD'
.good:  done
.none:  say 'no controller'
        done
; EAX the drive and LBA, BL the count, BH the command
command: call ready
        push eax
        mov al, bl
        mov dx, 1f2h
        out dx, al
        pop eax
        mov cx, 4
.next:  inc dx
        out dx, al
        ror eax, 8
        loop .next
        mov al, bh
        inc dx
        out dx, al
        ret
ready:  push ax
        mov dx, 1f7h
.busy:  in al, dx
        test al, 80h
        jnz .busy
        pop ax
        ret
data:   mov dx, 3f6h
        in al, dx
        in al, dx
        mov dx, 1f7h
.busy:  in al, dx
        and al, 88h
        cmp al, 8
        jne .busy
        ret
handler: push ax
        inc byte [cs:fired]
        mov al, 20h
        out 0a0h, al
        out 20h, al
        pop ax
        iret
fired:  db 0
base:   dw 0
align 4
prd:    dd 9000h, 80000200h
