; SPDX-License-Identifier: MIT
; Something to look at, and a keyboard to try; nothing on the serial port. Keys choose the picture: t 80x25 text in all
; colours and characters, w 80x50, g mode 13h with colours of its own, p mode 12h (planes). Every other key shows its number as
; INT 16h gives it, in the last row of the text.
        %include "boot.inc"

main:   call    text
.key:   xor     ah, ah
        int     16h
        cmp     al, 't'
        je      .text
        cmp     al, 'w'
        je      .rows
        cmp     al, 'g'
        je      .bytes
        cmp     al, 'p'
        je      .planes
        call    show_key
        jmp     .key
.text:  call    text
        jmp     .key
.rows:  call    rows
        jmp     .key
.bytes: call    bytes
        jmp     .key
.planes: call   planes
        jmp     .key

; 50 rows by the font of 8 lines.
rows:   call    text
        mov     ax, 1112h
        xor     bl, bl
        int     10h
        mov     ah, 1
        mov     cx, 2000h
        int     10h
        mov     ax, 0b800h
        mov     es, ax
        mov     di, 25 * 160
        mov     ax, 1e41h
        mov     cx, 25 * 80
.cell:  stosw
        inc     ax
        and     al, 5fh
        or      al, 40h
        loop    .cell
        ret

; Mode AL, with the cursor off; ES = A000h.
mode:   xor     ah, ah
        int     10h
        mov     ah, 1
        mov     cx, 2000h
        int     10h
        mov     ax, 0a000h
        mov     es, ax
        xor     di, di
        ret

; Cell n: character n * 7 mod 256, colours n (not the bit that blinks); a frame of box-drawing characters around a title.
text:   mov     al, 3
        call    mode
        mov     ax, 0b800h
        mov     es, ax
        xor     bx, bx
.cell:  mov     ax, bx
        imul    cx, bx, 7
        mov     ah, bl
        and     ah, 7fh
        mov     al, cl
        cmp     al, 0b0h                ; not the shades: PCs and QEMU differ in their ninth dot
        jb      .good
        cmp     al, 0b2h
        ja      .good
        add     al, 10h
.good:  stosw
        inc     bx
        cmp     bx, 80 * 24
        jb      .cell
        mov     cx, 80
        mov     ax, 0720h
        rep     stosw
        mov     di, (10 * 80 + 28) * 2
        mov     si, .box
.row:   mov     cx, 24
        mov     ah, 1fh
.byte:  lodsb
        stosw
        loop    .byte
        add     di, (80 - 24) * 2
        cmp     si, .end
        jb      .row
        ret
.box:   db      201, 22 dup(205), 187
        db      186, "   Mica:  READY  -_-  ", 186
        db      200, 22 dup(205), 188
.end:

; Every colour of the DAC, and each pixel x XOR y.
bytes:  mov     al, 13h
        call    mode
        mov     dx, 3c8h
        xor     al, al
        out     dx, al
        inc     dx
        xor     bx, bx
.color: mov     al, bl
        shr     al, 2
        out     dx, al
        mov     al, bl
        and     al, 3fh
        out     dx, al
        mov     al, bl
        not     al
        shr     al, 2
        out     dx, al
        inc     bl
        jnz     .color
        xor     dx, dx
.row:   xor     cx, cx
.pixel: mov     al, cl
        xor     al, dl
        stosb
        inc     cx
        cmp     cx, 320
        jb      .pixel
        inc     dx
        cmp     dx, 200
        jb      .row
        ret

; Plane n gets the address shifted by n.
planes: mov     al, 12h
        call    mode
        mov     cl, 0
.plane: mov     dx, 3c4h
        mov     ax, 0102h
        shl     ah, cl
        out     dx, ax
        xor     di, di
.byte:  mov     ax, di
        shr     ax, cl
        add     al, ah
        stosb
        cmp     di, 80 * 480
        jb      .byte
        inc     cl
        cmp     cl, 4
        jb      .plane
        ret

; AX in hexadecimal.
show_key:
        mov     dx, ax
        mov     cx, 0b800h
        mov     es, cx
        mov     di, 24 * 80 * 2
        mov     si, .key
        mov     ah, 0eh
        mov     cx, 4
.char:  lodsb
        stosw
        loop    .char
        mov     cx, 4
.digit: rol     dx, 4
        mov     al, dl
        and     al, 0fh
        cmp     al, 10
        sbb     al, 69h
        das
        stosw
        loop    .digit
        ret
.key:   db      "key "

        boot_end
