; SPDX-License-Identifier: MIT
; A toy operating system as people write it: prompt, line editing by INT 16h, commands, a game loop that waits for ticks.
; keys after ">": help<enter>timex<bs><enter>snake<enter>aaaq<enter>off<enter>
%include "boot.inc"
prompt: say 13, 10, '> '
        mov di, line
.key:   mov ah, 0
        int 16h
        cmp al, 13
        je .run
        cmp al, 8
        je .back
        cmp di, line + 60
        jae .key
        stosb
        mov ah, 0eh
        mov bx, 7
        int 10h
        jmp .key
.back:  cmp di, line
        je .key
        dec di
        say 8, ' ', 8
        jmp .key
.run:   mov al, 0
        stosb
        call newline
        mov si, line
        mov di, help
        call equal
        je .help
        mov di, time
        call equal
        je .time
        mov di, snake
        call equal
        je .snake
        mov di, off
        call equal
        je .off
        say 'what?'
        jmp prompt
.help:  say 'help time snake off'
        jmp prompt
.time:  mov ah, 2
        int 1ah
        jnc .told
        say 'no clock'
.told:  say 'it is late'
        jmp prompt
.snake: say '@'
        mov ah, 0
        int 1ah
        mov bx, dx
.wait:  mov ah, 0
        int 1ah
        cmp dx, bx
        je .wait
        mov ah, 1
        int 16h
        jz .snake_on
        mov ah, 0
        int 16h
        cmp al, 'q'
        je prompt
        mov ah, 0eh
        mov bx, 7
        int 10h
.snake_on: jmp .wait
.off:   say 'good bye'
        done
; ZF: are the texts at SI and DI equal?
equal:  push si
.next:  cmpsb
        jne .end
        cmp byte [si-1], 0
        jne .next
.end:   pop si
        ret
help:   db 'help', 0
time:   db 'time', 0
snake:  db 'snake', 0
off:    db 'off', 0
line:   times 64 db 0
