; SPDX-License-Identifier: MIT
; Scans PCI by mechanism 1 and by the BIOS, which have to agree.
%include "boot.inc"
        mov ax, 0b101h
        xor edi, edi
        int 1ah
        jc .none
        cmp edx, 20494350h
        jne .none
        say 'PCI '
        mov ax, bx
        call hex16
        call newline
        mov eax, 80000000h
.next:  push eax
        mov dx, 0cf8h
        out dx, eax
        mov dx, 0cfch
        in eax, dx
        cmp ax, -1
        je .absent
        mov ecx, eax
        mov bx, [esp+1]
        xchg bl, bh
        movzx bx, byte [esp+1]
        mov di, 0
        mov ax, 0b10ah
        push ecx
        int 1ah
        pop eax
        jc .bad
        cmp eax, ecx
        je .same
.bad:   say 'BAD: BIOS says otherwise', 13, 10
.same:  say '~'
        mov ax, bx
        call hex16
        say ' '
        mov eax, ecx
        call hex32
        mov ax, 0b10ah
        mov di, 8
        int 1ah
        say ' '
        mov eax, ecx
        call hex32
        call newline
.absent: pop eax
        add eax, 100h
        cmp eax, 80010000h
        jb .next
        mov ax, 0b103h
        mov ecx, 060000h
        xor si, si
        int 1ah
        pushf
        call hex8
        mov ax, bx
        say ' host bridge '
        call hex16
        popf
        jnc .found
        say ' BAD'
.found: call newline
        mov ax, 0b102h
        mov cx, 1234h
        mov dx, 5678h
        xor si, si
        int 1ah
        mov al, ah
        call hex8
        done
.none:  say 'no PCI BIOS'
        done
