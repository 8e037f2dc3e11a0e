; SPDX-License-Identifier: MIT
; What it takes to fill the screen, in ticks of the TSC: each line is `BENCH: redraw_NAME: ticks` of one full screen, the
; least of three. `redraw: done` is the last line.
        %include "boot.inc"

; measure "name", routine
%macro measure 2
        mov si, %%name
        mov bp, %2
        call measure_one
        jmp %%over
%%name: db %1, 0
%%over:
%endmacro

main:   mov ax, 3
        int 10h
        mov ax, 0b800h
        mov es, ax
        measure "text_stosw", fill_text
        measure "text_loop", loop_text
        measure "text_scroll", scroll_text
        mov ax, 13h
        int 10h
        mov ax, 0a000h
        mov es, ax
        measure "13h_stosw", fill_13
        measure "13h_loop", loop_13
        mov ax, 12h
        int 10h
        measure "12h_stosb", fill_12
        measure "12h_stosw", fill_12w
        measure "12h_movsb", put_12
        measure "12h_loop", loop_12
        measure "12h_scroll", scroll_12
        measure "12h_pixels", pixels_12
        mov ax, 4f02h
        mov bx, 101h                    ; 640x480 in 256 colours by banks
        int 10h
        cmp ax, 4fh
        jne .done
        measure "vbe_banked", fill_banked
.done:  mov ax, 3
        int 10h
        say "redraw: done", 13, 10
        jmp leave_machine

measure_one:
        mov dword [least], 0ffffffffh
        mov cx, 3
.round: push cx
        push si
        push bp
        rdtsc
        mov [start], eax
        call bp
        rdtsc
        sub eax, [start]
        cmp eax, [least]
        jae .more
        mov [least], eax
.more:  pop bp
        pop si
        pop cx
        loop .round
        push si
        say "BENCH: redraw_"
        pop si
        call puts
        say ": "
        mov eax, [least]
        mov ebx, 10
        xor cx, cx
.digit: xor edx, edx
        div ebx
        push dx
        inc cx
        test eax, eax
        jnz .digit
.print: pop ax
        add al, '0'
        call put
        loop .print
        say 13, 10
        ret

fill_text:
        xor di, di
        mov cx, 2000
        mov ax, 1f41h
        rep stosw
        ret

loop_text:
        xor di, di
        mov cx, 2000
.next:  mov [es:di], ax
        add di, 2
        loop .next
        ret

scroll_text:
        push ds
        push es
        pop ds
        mov si, 160
        xor di, di
        mov cx, 1920
        rep movsw
        pop ds
        ret

fill_13:
        xor di, di
        mov cx, 32000
        mov ax, 0c0ch
        rep stosw
        ret

loop_13:
        xor di, di
        mov cx, 64000
.next:  mov [es:di], al
        inc di
        loop .next
        ret

fill_12:
        xor di, di
        mov cx, 38400
        mov al, 5ah
        rep stosb
        ret

fill_12w:
        xor di, di
        mov cx, 19200
        mov ax, 0a55ah
        rep stosw
        ret

put_12: xor si, si
        xor di, di
        mov cx, 38400
        rep movsb
        ret

loop_12:
        xor di, di
        mov cx, 38400
.next:  mov [es:di], al
        inc di
        loop .next
        ret

; One line of text up, by the latches.
scroll_12:
        mov dx, 3ceh
        mov ax, 0105h
        out dx, ax
        push ds
        push es
        pop ds
        mov si, 1280
        xor di, di
        mov cx, 38400 - 1280
        rep movsb
        pop ds
        mov ax, 0005h
        out dx, ax
        ret

; A line of each row's first 64 pixels, as a library draws pixels: bit mask, latches, write.
pixels_12:
        mov dx, 3ceh
        xor di, di
        mov bx, 480
.row:   mov cx, 64
        mov ax, 8008h
.pixel: out dx, ax
        mov si, cx
        shr si, 3
        mov al, [es:di]
        mov byte [es:di], 0ffh
        mov al, 8
        ror ah, 1
        loop .pixel
        add di, 80
        dec bx
        jnz .row
        mov ax, 0ff08h
        out dx, ax
        ret

fill_banked:
        xor dx, dx                      ; 307200 bytes: 4 banks and 45056 bytes
.bank:  mov ax, 4f05h
        xor bx, bx
        int 10h
        xor di, di
        mov cx, 32768
        cmp dx, 4
        jne .fill
        mov cx, 22528
.fill:  mov ax, 0a0ah
        rep stosw
        inc dx
        cmp dx, 5
        jb .bank
        ret

start:  dd 0
least:  dd 0
        boot_end
