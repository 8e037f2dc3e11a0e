; SPDX-License-Identifier: MIT
; Timer interrupts: the BIOS's 18.2 Hz against the RTC's seconds, a handler of our own at 1000 Hz, INT 1Ch, latching.
%include "boot.inc"
        call second
        mov ebx, [46ch]
        mov byte [seconds], 2
.two:   call second
        dec byte [seconds]
        jnz .two
        mov eax, [46ch]
        sub eax, ebx
        sub eax, 28                     ; 36.4 in two seconds; a busy host may keep some back for a while
        cmp eax, 16
        jbe .good
        say 'BAD ticks '
        call hex32
.good:  say '18.2 Hz', 13, 10
        ; ours
        cli
        mov eax, [8*4]
        mov [old], eax
        mov word [8*4], handler
        mov word [8*4+2], 0
        mov al, 34h
        out 43h, al
        mov ax, 1193
        out 40h, al
        mov al, ah
        out 40h, al
        sti
        call second
        mov dword [count], 0
        call second
        mov eax, [count]
        sub eax, 300
        cmp eax, 800
        jb .good2
        say 'BAD count '
        call hex32
.good2: say '1000 Hz', 13, 10
        ; the counter runs down between two latches
        mov cx, 100
        mov word [0x600], 0
.latch: call latched
        mov bx, ax
        call latched
        cmp ax, bx
        je .still
        inc word [0x600]
.still: loop .latch
        cmp word [0x600], 5
        ja .runs
        say 'BAD: stands still'
.runs:  mov al, 0e2h                    ; read-back: status of counter 0
        out 43h, al
        in al, 40h
        and al, 3fh
        say 'status '
        call hex8
        call newline
        cli
        mov eax, [old]
        mov [8*4], eax
        mov al, 36h
        out 43h, al
        mov al, 0
        out 40h, al
        out 40h, al
        mov word [1ch*4], user
        mov word [1ch*4+2], 0
        sti
.wait:  cmp byte [users], 5
        jb .wait
        say 'INT 1Ch', 13, 10
        cmp word [user_ds], 0
        je .zero
        say 'BAD: DS is not 0', 13, 10
.zero:
        ; one shot, mode 0, counter 2 by its output at port 61h
        in al, 61h
        and al, 0fch
        or al, 1
        out 61h, al
        mov al, 0b0h
        out 43h, al
        mov al, 0ffh
        out 42h, al
        mov al, 0fh
        out 42h, al
        in al, 61h
        test al, 20h
        jz .low
        say 'BAD: high at once'
.low:   in al, 61h
        test al, 20h
        jz .low
        say 'one shot', 13, 10
        done
latched: mov al, 0
        out 43h, al
        in al, 40h
        mov ah, al
        in al, 40h
        xchg al, ah
        ret
; returns when the RTC's second changes
second: call .get
        mov ah, al
.same:  call .get
        cmp al, ah
        je .same
        ret
.get:   mov al, 0ah
        out 70h, al
        in al, 71h
        test al, 80h
        jnz .get
        mov al, 0
        out 70h, al
        in al, 71h
        ret
handler: push ax
        inc dword [cs:count]
        mov al, 20h
        out 20h, al
        pop ax
        iret
user:   inc byte [cs:users]
        mov [cs:user_ds], ds
        iret
count:  dd 0
old:    dd 0
users:  db 0
user_ds: dw 0ffffh
seconds: db 0
