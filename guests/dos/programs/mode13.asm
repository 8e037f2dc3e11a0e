; SPDX-License-Identifier: MIT
; A demo's frame loop: mode 13h, palette, retrace, ten frames from a buffer by REP MOVSD; what is read back is right.
%include "dos.inc"
        mov ax, cs
        add ax, 1000h
        mov fs, ax                      ; a frame behind this segment
        mov ax, 13h
        int 10h
        mov bp, 10
.frame: push es
        push fs
        pop es
        xor di, di
        mov cx, 64000
        mov dx, bp
.pixel: mov ax, di
        shr ax, 4
        add al, dl
        stosb
        loop .pixel
        pop es
        mov dx, 3dah
.out:   in al, dx
        test al, 8
        jnz .out
.in:    in al, dx
        test al, 8
        jz .in
        push ds
        push es
        mov ax, 0a000h
        mov es, ax
        push fs
        pop ds
        xor si, si
        xor di, di
        mov cx, 16000
        rep movsd
        pop es
        pop ds
        dec bp
        jnz .frame
        mov ax, 0a000h
        mov es, ax
        push ds
        push fs
        pop ds
        xor si, si
        xor di, di
        mov cx, 64000
        repe cmpsb
        pop ds
        pushf
        mov ax, 3
        int 10h
        popf
        jne .bad
        say 'MODE13: ok', 13, 10
        quit 0
.bad:   fail 'MODE13: video memory is not what was written'
