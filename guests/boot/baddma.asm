; SPDX-License-Identifier: MIT
; Bus-master DMA to where no memory is: descriptors behind the end of RAM, regions over its end, into the ROM, a table without
; an end, no table at all, a transfer that is stopped half-way. The machine has to live, and a proper read works afterwards.
; QEMU 7.2 does not live. (disk: hda, no reference)
%include "boot.inc"
        mov dx, 3f6h
        mov al, 0ah
        out dx, al
        mov ax, 0b103h
        mov ecx, 010180h
        xor si, si
        int 1ah
        jnc .pci
        mov ax, 0b103h
        mov ecx, 01018ah
        int 1ah
        jnc .pci
        say 'no controller'
        done
.pci:   mov ax, 0b10ah
        mov di, 20h
        int 1ah
        and cx, 0fffch
        mov [base], cx
        mov ax, 0b109h
        mov di, 4
        int 1ah
        or cx, 5
        mov ax, 0b10ch
        mov di, 4
        int 1ah
        mov si, tables
.next:  mov eax, [si]
        cmp eax, 12345678h
        je .end
        say '~table '
        call hex32
        call transfer
        add si, 4
        jmp .next
.end:   say 'still here', 13, 10
        mov eax, good
        call transfer
        mov si, 9000h
        mov cx, 512
        call checksum
        mov ebx, eax
        push ebx
        mov ax, 0201h                   ; the same sector by the BIOS
        mov cx, 2
        mov dx, 80h
        mov bx, 9000h
        int 13h
        pop ebx
        jc .bad
        mov si, 9000h
        mov cx, 512
        call checksum
        cmp eax, ebx
        je .same
.bad:   say 'BAD'
.same:  done

; EAX: the table. Reads LBA 1 by DMA, waits a little, stops, resets the drive.
transfer: pushad
        mov dx, [base]
        add dx, 4
        out dx, eax
        sub dx, 4
        mov al, 8
        out dx, al
        add dx, 2
        mov al, 6
        out dx, al
        mov di, registers
        mov dx, 1f2h
        mov cx, 6
.put:   mov al, [di]
        out dx, al
        inc di
        inc dx
        loop .put
        mov dx, [base]
        mov al, 9
        out dx, al
        mov cx, 20000
.wait:  mov dx, 3f6h
        in al, dx
        test al, 88h
        jz .ready
        loop .wait
.ready: say ' drive '
        mov dx, 3f6h
        in al, dx
        call hex8
        mov dx, [base]
        add dx, 2
        in al, dx
        say ' master '
        and al, 7
        call hex8
        call newline
        mov dx, [base]
        mov al, 0
        out dx, al
        mov dx, 3f6h
        mov al, 0eh
        out dx, al
        mov cx, 100
.reset: in al, 80h
        loop .reset
        mov al, 0ah
        out dx, al
        mov cx, 50000
.busy:  in al, dx
        test al, 80h
        loopnz .busy
        popad
        ret

registers: db 1, 1, 0, 0, 0e0h, 0c8h
base:   dw 0
tables: dd far_away, over_end, rom, video, device, loops, 0, 00fffffch, 01000000h, 0fffffffch, 0fee00000h, 0e0000000h
        dd 12345678h
align 4
good:   dd 9000h, 80000200h
far_away: dd 0f0000000h, 80000200h
over_end: dd 00ffff00h, 80000200h       ; the last 256 bytes of 16 MiB
rom:    dd 0f0000h, 80000200h
video:  dd 0b8f00h, 80000080h           ; too short, too
device: dd 0fee00000h, 80000200h
loops:  dd 9000h, 2
        times 300 dd 9000h, 2           ; no end, and more room than data
