; SPDX-License-Identifier: MIT
; Lists memory by all the calls there are and checks that they agree.
%include "boot.inc"
        xor ebx, ebx
.next:  mov di, entry
        mov eax, 0e820h
        mov ecx, 24
        mov edx, 534d4150h
        int 15h
        jc .end
        cmp eax, 534d4150h
        jne .bad
        say '~'
        mov eax, [entry+4]
        call hex32
        mov eax, [entry]
        call hex32
        say ' '
        mov eax, [entry+8]
        call hex32
        say ' '
        mov eax, [entry+16]
        call hex8
        call newline
        cmp byte [entry+16], 1
        jne .more
        mov eax, [entry+8]
        add [total], eax
.more:  test ebx, ebx
        jnz .next
        jmp .end
.bad:   say 'BAD signature'
.end:   mov eax, [total]
        shr eax, 20
        inc eax
        say 'RAM in MiB '
        call hex16
        call newline
        mov ah, 88h
        int 15h
        jnc .88
        say 'CF '
.88:    say '~88h '
        call hex16
        call newline
        xor cx, cx
        xor dx, dx
        mov ax, 0e801h
        int 15h
        jnc .e801
        say 'CF '
.e801:  say '~E801 '
        call hex16
        mov ax, bx
        say ' '
        call hex16
        mov ax, cx
        say ' '
        call hex16
        mov ax, dx
        say ' '
        call hex16
        call newline
        int 12h
        say '~12h '
        call hex16
        call newline
        cmp ax, [413h]
        je .same
        say 'BAD 12h'
.same:  mov ax, [40eh]
        say '~EBDA '
        call hex16
        call newline
        int 11h
        cmp ax, [410h]
        je .equal
        say 'BAD 11h'
.equal: and ax, 37h
        call hex16
        call newline
        mov al, 15h
        out 70h, al
        in al, 71h
        call hex8
        mov al, 16h
        out 70h, al
        in al, 71h
        call hex8
        done
entry:  times 24 db 0
total:  dd 0
