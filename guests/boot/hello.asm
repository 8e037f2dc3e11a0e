; SPDX-License-Identifier: MIT
; As the first page of every tutorial has it: no segments set up, teletype, an endless loop.
[org 0x7c00]
    mov ax, 0x0003
    int 0x10
    mov si, msg
next:
    lodsb
    or al, al
    jz hang
    mov ah, 0x0e
    int 0x10
    jmp next
hang:
    jmp $
msg: db "Hello, world!", 13, 10, 9, "tab", 7, " bell", 8, "L", 13, 10, "done", 0
times 510-($-$$) db 0
dw 0xaa55
