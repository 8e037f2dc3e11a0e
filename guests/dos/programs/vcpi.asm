; SPDX-License-Identifier: MIT
; A client of a memory manager that runs DOS in V86 mode: EMS, VCPI (to protected mode and back with a timer of its own there, as
; DOS extenders do it), the A20 gate and the DMA controller as the manager shows them, INT 13h and INT 15h below it, exceptions.
%include "dos.inc"
%include "must.inc"
        mov ax, 3567h                   ; EMS by the name of its device
        int 21h
        mov di, 10
        mov si, device
        mov cx, 8
        repe cmpsb
        must e
        push cs
        pop es
        mov ah, 40h
        int 67h
        test ah, ah
        must z
        mov ah, 41h
        int 67h
        mov [frame], bx
        mov ah, 42h
        int 67h
        mov [free], bx
        cmp bx, 8
        must ae
        mov ah, 43h
        mov bx, 8
        int 67h
        test ah, ah
        must z
        mov [handle], dx
        xor bp, bp                      ; a word into each of 8 pages by the frame's last window
.write: mov ax, 4403h
        mov bx, bp
        mov dx, [handle]
        int 67h
        test ah, ah
        must z
        mov es, [frame]
        lea ax, [bp+0a500h]
        mov [es:0fffeh], ax
        inc bp
        cmp bp, 8
        jb .write
.read:  dec bp
        mov ax, 4400h
        mov bx, bp
        mov dx, [handle]
        int 67h
        lea ax, [bp+0a500h]
        cmp [es:3ffeh], ax
        must e
        test bp, bp
        jnz .read
        mov ax, 4400h
        mov bx, 8
        mov dx, [handle]
        int 67h
        cmp ah, 8ah
        must e

        push cs
        pop es
        mov ax, 0201h                   ; INT 13h, which may be DMA: boot sector of the first floppy
        mov cx, 1
        mov dx, 0
        mov bx, end
        int 13h
        must nc
        cmp word [end+510], 0aa55h
        must e

        call wraps                      ; A20: by port 92h, by the 8042, by the BIOS
        mov [gate], al
        mov al, 2
        out 92h, al
        call wraps
        cmp al, 0
        must e
        call ems_there
        in al, 92h
        test al, 2
        must nz
        mov al, 0ddh
        out 64h, al
        call wraps
        cmp al, 1
        must e
        in al, 92h
        test al, 2
        must z
        mov al, 0d1h
        out 64h, al
        mov al, 0dfh
        out 60h, al
        call wraps
        cmp al, 0
        must e
        mov ax, 2402h
        int 15h
        must nc
        cmp ax, 1
        must e
        mov ax, 2400h
        int 15h
        must nc
        call wraps
        cmp al, 1
        must e
        call ems_there
        mov ah, 45h
        mov dx, [handle]
        int 67h
        mov ah, 42h
        int 67h
        cmp bx, [free]
        must e
        xor al, al                      ; the 8237's address register through the manager
        out 0ch, al
        mov al, 34h
        out 4, al
        mov al, 12h
        out 4, al
        out 0ch, al
        in al, 4
        mov bl, al
        in al, 4
        mov bh, al
        cmp bx, 1234h
        must e

        push 0
        pop es
        push dword [es:0]               ; #DE and #UD come by their vectors, a breakpoint too
        push dword [es:6*4]
        mov word [es:0], de
        mov [es:2], cs
        mov word [es:6*4], ud
        mov [es:6*4+2], cs
        xor bx, bx
        div bx
        ud2
        int3
        pop dword [es:6*4]
        pop dword [es:0]
        cmp byte [seen], 3
        must e
        mov eax, cr0                    ; privileged, and simulated
        test al, 1
        must nz
        mov ax, [es:46ch]
.tick:  hlt
        cmp ax, [es:46ch]
        je .tick

        push cs
        pop es
        mov ax, 0de00h
        int 67h
        test ah, ah
        must z
        cmp bx, 100h
        must e
        mov ax, 0de03h
        int 67h
        mov [pages], edx
        cmp edx, 4
        must ae
        mov ax, 0de06h                  ; upper memory is elsewhere, this program is where it seems to be
        mov cx, 0d0h
        int 67h
        cmp edx, 0d0000h
        must ne
        mov ax, cs
        shr ax, 8
        mov cx, ax
        mov bx, ax
        mov ax, 0de06h
        int 67h
        shr edx, 12
        cmp dx, bx
        must e
        mov ax, 0de0ah
        int 67h
        cmp bx, 8
        must e
        ; tables of our own: a page directory and a page table in a row of this segment
        xor eax, eax
        mov ax, cs
        shl eax, 4
        mov [base], eax
        mov [base_segment], cs
        or [gdt+40+2], eax
        or [gdt+48+2], eax
        lea ebx, [eax+tss]
        or [gdt+56+2], ebx
        lea ebx, [eax+gdt]
        mov [gdtr+2], ebx
        lea ebx, [eax+idt]
        mov [idtr+2], ebx
        lea ebx, [eax+gdtr]
        mov [switch+4], ebx
        lea ebx, [eax+idtr]
        mov [switch+8], ebx
        lea ebx, [eax+end+4095]
        and bx, 0f000h
        mov [switch], ebx
        sub ebx, eax
        mov di, bx
        xor eax, eax
        mov cx, 2048
        rep stosd
        mov eax, [switch]
        add eax, 1007h
        mov [bx], eax
        lea di, [bx+1000h]
        mov si, gdt + 8
        mov ax, 0de01h
        int 67h
        test ah, ah
        must z
        mov [entry], ebx
        lea ax, [di-1000h]              ; the first of the second MiB's pages is behind it at least
        sub ax, bx
        cmp ax, 400h
        must ae
        mov ax, 0de04h                  ; a page, at 3 MiB in our tables
        int 67h
        test ah, ah
        must z
        mov [page], edx
        mov bx, [switch]
        sub bx, [base]
        mov eax, edx
        or al, 7
        mov [bx+1000h+300h*4], eax
        mov di, idt
        mov cx, 256
.gates: mov word [di], wrong
        mov word [di+2], 40
        mov word [di+4], 8e00h
        mov word [di+6], 0
        add di, 8
        loop .gates
        mov word [idt+8*8], timer
        mov byte [rounds], 20
.round: mov [stack_was], sp
        cli
        in al, 21h
        mov [mask], al
        mov al, 0feh
        out 21h, al
        mov esi, [base]
        add esi, switch
        mov ax, 0de0ch
        int 67h
bits 32
inside: mov ax, 48
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, [stack_was]
        movzx esp, sp
        mov ax, 24                      ; flat
        mov es, ax
        inc dword [es:300000h]
        sti
        mov al, [ticks]
.wait:  hlt
        cmp al, [ticks]
        je .wait
        cli
        mov ax, 0de04h                  ; a page from here, and back
        call far [entry]
        test ah, ah
        setnz [failed]
        mov ax, 0de05h
        call far [entry]
        mov ax, 0de03h
        call far [entry]
        mov [left], edx
        movzx eax, word [base_segment]
        push eax                        ; GS FS DS ES SS
        push eax
        push eax
        push eax
        push eax
        movzx ebx, word [stack_was]
        push ebx
        push eax                        ; EFLAGS: the server's
        push eax
        push dword outside
        mov ax, 24
        mov ds, ax
        mov eax, 0de0ch
        call far [cs:entry]
timer:  push eax
        inc byte [ss:ticks]
        mov al, 20h
        out 20h, al
        pop eax
        iretd
wrong:  mov dword [es:0b8000h], 4f214f21h
        cli
        hlt
bits 16
outside: mov al, [mask]
        out 21h, al
        sti
        dec byte [rounds]
        jnz near again
        cmp byte [failed], 0
        must e
        cmp byte [ticks], 20
        must ae
        mov eax, [pages]
        dec eax
        cmp [left], eax
        must e
        mov ax, 0de05h
        mov edx, [page]
        int 67h
        test ah, ah
        must z
        mov ax, 0de05h
        int 67h
        test ah, ah
        must nz
        mov ax, 2401h
        cmp byte [gate], 0
        je .open
        dec ax
.open:  int 15h
        say 'VCPI: ok', 13, 10
        quit 0
again:  mov esi, [base]
        add esi, switch
        cli
        mov al, 0feh
        out 21h, al
        mov ax, 0de0ch
        int 67h
de:     push bp
        mov bp, sp
        add word [bp+2], 2
        inc byte [cs:seen]
        pop bp
        iret
ud:     push bp
        mov bp, sp
        add word [bp+2], 2
        add byte [cs:seen], 2
        pop bp
        iret
; Expanded memory does not lie behind the gate.
ems_there:
        mov ax, 4401h
        mov bx, 7
        mov dx, [handle]
        int 67h
        mov es, [frame]
        cmp word [es:7ffeh], 0a507h
        must e
        push cs
        pop es
        ret
        must_fails 'VCPI'
device: db 'EMMXXXX0'
frame:  dw 0
free:   dw 0
handle: dw 0
gate:   db 0
seen:   db 0
mask:   db 0
rounds: db 0
ticks:  db 0
failed: db 0
align 4
pages:  dd 0
page:   dd 0
left:   dd 0
base:   dd 0
entry:  dd 0
        dw 8
stack_was: dw 0
base_segment: dw 0
align 8
gdt:    dq 0
        dq 0, 0, 0                      ; 8, 16, 24: the server's
        dq 0
        dq 00cf9a000000ffffh, 00cf92000000ffffh ; 40 and 48: ours
        dw 103, 0
        db 0, 89h, 0, 0                 ; 56
gdtr:   dw 63
        dd 0
idtr:   dw 2047
        dd 0
switch: dd 0, 0, 0
        dw 0, 56
        dd inside
        dw 40
align 8
idt     equ $
tss     equ idt + 2048
end     equ tss + 104
