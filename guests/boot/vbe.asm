; SPDX-License-Identifier: MIT
; VBE: lists modes, sets 640x480 with a linear framebuffer, writes and reads there from unreal mode, banked window, back.
%include "boot.inc"
        mov di, 9000h
        mov dword [di], '2EBV'
        mov ax, 4f00h
        int 10h
        call hex16
        mov eax, [9000h]
        call hex32
        mov ax, [9004h]
        say ' ~'
        call newline
        lfs si, [9000h+14]
        xor bx, bx
.next:  mov ax, [fs:si]
        add si, 2
        cmp ax, -1
        je .listed
        cmp ax, 101h
        jne .112
        or bl, 1
.112:   cmp ax, 112h
        jne .118
        or bl, 2
.118:   cmp ax, 111h
        jne .next
        or bl, 4
        jmp .next
.listed: mov al, bl
        say 'modes '
        call hex8
        call newline
        mov di, 9200h
        mov cx, 101h
        mov ax, 4f01h
        int 10h
        call hex16
        say ' '
        mov ax, [9200h]
        and ax, 99h
        call hex16
        mov ax, [9200h+16]
        call hex16
        mov ax, [9200h+18]
        call hex16
        mov ax, [9200h+20]
        call hex16
        mov al, [9200h+25]
        call hex8
        mov ax, 4f01h
        mov cx, 7777h
        mov di, 9400h
        int 10h
        call hex16
        call newline
        call unreal
        mov ax, 4f02h
        mov bx, 4101h
        int 10h
        push ax
        mov ax, 4f03h
        int 10h
        push bx
        mov edi, [9200h+40]
        xor ecx, ecx
.fill:  mov [fs:edi+ecx], cl
        inc ecx
        cmp ecx, 640*480
        jb .fill
        mov eax, [fs:edi+640*100+4]
        push eax
        mov ax, 4f05h                   ; the banked window at 64 KiB
        mov bx, 0
        mov dx, 1
        int 10h
        mov ax, 0a000h
        mov es, ax
        mov eax, [es:4]
        push eax
        mov ax, 3
        int 10h
        pop eax
        call hex32
        pop eax
        call hex32
        pop ax
        call hex16
        pop ax
        call hex16
        done
        %include "unreal.inc"
