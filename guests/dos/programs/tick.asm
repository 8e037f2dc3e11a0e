; SPDX-License-Identifier: MIT
; 91 ticks of the timer are five seconds of the clock chip; they are as many for DOS.
%include "dos.inc"
        push 40h
        pop es
        call second
        call second
        call apart
        mov [before], al
        call second
        mov ebx, [es:6ch]
        mov cx, 5
.wait:  call second
        loop .wait
        mov eax, [es:6ch]
        sub eax, ebx
        sub eax, 80                     ; a busy host may keep some back for a while
        cmp eax, 22
        ja .bad
        call apart
        sub al, [before]
        add al, 2
        jns .positive
        add al, 60
.positive: cmp al, 60
        jb .small
        sub al, 60
.small: cmp al, 4
        ja .differ
        say 'TICK: ok', 13, 10
        quit 0
.bad:   fail 'TICK: the timer is not at 18.2 Hz'
.differ: fail 'TICK: DOS and the clock chip differ'
; AL = seconds of the clock chip less those of DOS, 0 to 59: on a busy host DOS may have lost some
apart:  mov ah, 2ch
        int 21h
        mov bl, dh
        mov ah, 2
        int 1ah
        mov al, dh                      ; BCD seconds
        aam 16
        aad 10
        sub al, bl
        jns .done
        add al, 60
.done:  ret
before: db 0
second: mov al, 0ah
        out 70h, al
        in al, 71h
        test al, 80h
        jnz second
        mov al, 0
        out 70h, al
        in al, 71h
        cmp al, [.last]
        je second
        mov [.last], al
        ret
.last:  db 0ffh
