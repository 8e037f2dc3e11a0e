; SPDX-License-Identifier: MIT
; Graphics modes and what software does in them, one picture for each key from `a` on; `pictures: X` on COM1 says that picture X
; stands (`pictures: no X` that the mode is not there). What is drawn does not depend on the machine.
        %include "boot.inc"

main:   call unreal
        say "pictures: ready", 13, 10
.key:   xor ah, ah
        int 16h
        mov bl, al
        sub bl, 'a'
        cmp bl, (pictures_end - pictures) / 2
        jae .key
        mov [picture], al
        xor bh, bh
        add bx, bx
        mov word [answer], 0
        call [pictures + bx]
        xor ax, ax
        mov es, ax
        say "pictures: "
        cmp word [answer], 0
        je .good
        say "no "
.good:  mov al, [picture]
        call put
        say 13, 10
        jmp .key

pictures: dw cga_4, cga_2, ega_16, vga_2, vga_16, vga_split, mode_x, banked, linear_8, linear_15, linear_16, linear_24, linear_32, panned
        dw text_4, text_8, text_15, text_16, text_24, text_32
        dw text_cga_4, text_cga_2, text_ega, text_ega_350, text_mono, text_13h
pictures_end:
picture: db 0
answer: dw 0                            ; not 0: the mode is refused
pitch:  dd 0
bytes:  dd 0                            ; of a pixel
columns: dd 640
lines:  dd 480

; ---------------------------------------------------------------- the VGA's own modes
; Mode AX; ES = A000h, DI = 0.
mode:   int 10h
        mov ax, 0a000h
        mov es, ax
        xor di, di
        ret

cga_4:  mov ax, 4
        call mode
        mov ax, 0b800h
        mov es, ax
        xor ax, ax
.next:  stosb
        add al, 1bh
        cmp di, 8000
        jne .skip
        mov di, 2000h
.skip:  cmp di, 2000h + 8000
        jb .next
        mov ah, 0bh                     ; the other palette, a blue background
        mov bx, 0001h
        int 10h
        mov ah, 0bh
        mov bx, 0100h
        int 10h
        ret

cga_2:  mov ax, 6
        call mode
        mov ax, 0b800h
        mov es, ax
        xor bx, bx
.next:  mov al, bl
        xor al, bh
        mov [es:bx], al
        mov [es:bx + 2000h], bh
        inc bx
        cmp bx, 8000
        jb .next
        ret

; 320x200 in 16 colours: INT 10h draws dots and characters.
ega_16: mov ax, 0dh
        call mode
        mov dx, 199
.row:   mov cx, dx
        add cx, 60
        mov ax, dx
        and al, 0fh
        mov ah, 0ch
        xor bh, bh
        int 10h
        dec dx
        jns .row
        mov ah, 2
        mov dx, 0303h
        xor bh, bh
        int 10h
        mov ax, 0941h                   ; characters by XOR
        mov bx, 008eh
        mov cx, 5
        int 10h
        mov ax, 0e5ah
        mov bx, 000ch
        int 10h
        ret

; 640x480 in two colours.
vga_2:  mov ax, 11h
        call mode
        mov cx, 38400
.next:  mov ax, di
        xor dx, dx
        mov bx, 80
        div bx
        xor al, dl
        stosb
        loop .next
        ret

; 640x480 in 16 colours: each write mode, the logical functions, set/reset and rotation.
vga_16: mov ax, 12h
        call mode
        mov bp, 0
.band:  mov dx, 3c4h                    ; 0: every plane its own byte
        mov cx, 4
        mov ax, 0102h
.plane: out dx, ax
        push ax
        push cx
        mov di, bp
        mov cx, 80 * 40
.byte:  mov al, cl
        ror al, 1
        xor al, ah
        mov [es:di], al
        inc di
        loop .byte
        pop cx
        pop ax
        add ah, ah
        loop .plane
        add bp, 80 * 40
        cmp bp, 80 * 40 * 12
        jb .band
        mov ax, 0f02h
        out dx, ax
        mov si, .steps
.step:  lodsw                           ; where
        cmp ax, -1
        je .done
        mov di, ax
        mov dx, 3ceh
.gc:    lodsw
        cmp ax, -1
        je .write
        out dx, ax
        jmp .gc
.write: mov cx, 80 * 20
.put:   mov al, [es:di]                 ; fills the latches
        mov ax, di
        mov [es:di], al
        inc di
        loop .put
        mov ax, 0005h                   ; as it was
        out dx, ax
        mov ax, 0003h
        out dx, ax
        mov ax, 0001h
        out dx, ax
        mov ax, 0ff08h
        out dx, ax
        jmp .step
.done:  mov ax, 0105h                   ; write mode 1: the picture's top, by the latches, to its end
        out dx, ax
        push ds
        push es
        pop ds
        xor si, si
        mov di, 80 * 460
        mov cx, 80 * 20
        rep movsb
        pop ds
        mov ax, 0005h
        out dx, ax
        mov ax, 0805h                   ; read mode 1: where colour 5 is, a mark
        out dx, ax
        mov ax, 0502h
        out dx, ax
        mov ax, 0f07h
        out dx, ax
        xor di, di
.look:  mov al, [es:di]
        mov [buffer + di], al
        inc di
        cmp di, 80
        jb .look
        mov ax, 0005h
        out dx, ax
        mov si, buffer
        mov di, 80 * 440
        mov cx, 80
        rep movsb
        ret
.steps: dw 80 * 40, 0205h, -1                           ; write mode 2
        dw 80 * 80, 0305h, 0900h, 3c08h, -1             ; write mode 3
        dw 80 * 120, 0803h, -1                          ; AND
        dw 80 * 160, 1003h, -1                          ; OR
        dw 80 * 200, 1803h, 0a500h, -1                  ; XOR
        dw 80 * 240, 0600h, 0a01h, -1                   ; set/reset of two planes
        dw 80 * 280, 0303h, 0f08h, -1                   ; rotated, half of the bits
        dw -1

; Smooth scrolling above a line that does not move: start address, panning, line compare.
vga_split:
        call vga_16
        mov dx, 3d4h
        mov ax, 500ch                   ; start at 5000h + 21h
        mov ah, 15h
        out dx, ax
        mov ax, 210dh
        out dx, ax
        mov ax, 2c18h                   ; split at line 12Ch
        out dx, ax
        mov ax, 1007h
        mov al, 7
        out dx, al
        inc dx
        in al, dx
        or al, 10h
        out dx, al
        dec dx
        mov al, 9
        out dx, al
        inc dx
        in al, dx
        and al, 0bfh
        out dx, al
        ret

; 320x240 in 256 colours, planes unchained.
mode_x: mov ax, 13h
        call mode
        mov dx, 3c4h
        mov ax, 0604h
        out dx, ax
        mov ax, 0100h
        out dx, ax
        mov dx, 3c2h
        mov al, 0e3h
        out dx, al
        mov dx, 3c4h
        mov ax, 0300h
        out dx, ax
        mov dx, 3d4h
        mov al, 11h
        out dx, al
        inc dx
        in al, dx
        and al, 7fh
        out dx, al
        dec dx
        mov si, .crtc
        mov cx, (.end - .crtc) / 2
.set:   lodsw
        out dx, ax
        loop .set
        mov dx, 3c4h
        mov bx, 0
        mov ax, 0102h
.plane: out dx, ax
        push ax
        xor di, di
        mov cx, 19200
.pixel: mov ax, di
        add al, ah
        add al, bl
        stosb
        loop .pixel
        add bl, 37
        pop ax
        add ah, ah
        cmp ah, 10h
        jb .plane
        ret
.crtc:  dw 0d06h, 3e07h, 4109h, 0ea10h, 0ac11h, 0df12h, 0014h, 0e715h, 0616h, 0e317h
.end:

; ---------------------------------------------------------------- VBE
; Mode BX; answer = 0 if it is there. EDI = the framebuffer, `pitch` and `bytes` of it.
vbe:    push bx
        mov ax, 4f01h
        mov cx, bx
        and cx, 01ffh
        xor di, di
        mov es, di
        mov di, buffer
        int 10h
        pop bx
        cmp ax, 4fh
        jne .no
        mov ax, 4f02h
        int 10h
        cmp ax, 4fh
        jne .no
        mov edi, [buffer + 40]
        movzx eax, word [buffer + 16]
        mov [pitch], eax
        movzx eax, byte [buffer + 25]
        add eax, 7
        shr eax, 3
        mov [bytes], eax
        xor ax, ax
        ret
.no:    mov word [answer], 1
        test sp, sp                     ; not equal
        ret

; A pattern in `lines` lines of `columns` pixels at EDI.
fill:   xor ebx, ebx                    ; line
.line:  mov eax, [pitch]
        mul ebx
        lea esi, [edi + eax]
        mov ecx, [columns]
        mov eax, ebx
        imul eax, eax, 10203h
.pixel: mov edx, [bytes]
.byte:  mov [fs:esi], al
        ror eax, 8
        inc esi
        dec edx
        jnz .byte
        add eax, 103h
        dec ecx
        jnz .pixel
        inc ebx
        cmp ebx, [lines]
        jb .line
        ret

; The 256 colours: a ramp.
palette: mov dx, 3c8h
        xor al, al
        out dx, al
        inc dx
        xor cx, cx
.next:  mov al, cl
        out dx, al                      ; red
        mov al, cl
        shr al, 2
        out dx, al
        mov al, cl
        not al
        out dx, al
        inc cl
        jnz .next
        ret

; The BIOS draws: characters in 16 colours, a string, a scrolled part, dots.
text_4: mov ax, 6ah
        int 10h
        jmp text
text_cga_4:
        mov ax, 4
        jmp text_vga
text_cga_2:
        mov ax, 6
        jmp text_vga
text_ega:
        mov ax, 0eh
        jmp text_vga
text_ega_350:
        mov ax, 10h
        jmp text_vga
text_mono:
        mov ax, 11h
        jmp text_vga
text_13h:
        mov ax, 13h
text_vga:
        int 10h
        jmp text
text_8: mov bx, 146h
        jmp text_vbe
text_15: mov bx, 4110h
        jmp text_vbe
text_16: mov bx, 4114h
        jmp text_vbe
text_24: mov bx, 4112h
        jmp text_vbe
text_32: mov bx, 142h
text_vbe:
        call vbe
        jnz .done
        call text
.done:  ret

text:   xor ax, ax
        mov es, ax
        mov bp, .string
        mov ax, 1301h                   ; a string, the cursor follows
        mov bx, 000ah
        mov cx, .string_end - .string
        mov dx, 0102h
        int 10h
        mov bx, 0000h
.colour: mov dx, 0304h
        add dl, bl
        mov ah, 2
        int 10h
        mov ax, 09dbh
        mov cx, 1
        int 10h
        inc bl
        cmp bl, 16
        jb .colour
        mov cx, 40
.tele:  mov ax, 0e7fh
        sub al, cl
        mov bl, cl
        and bl, 0fh
        push cx
        int 10h
        pop cx
        loop .tele
        mov ax, 0601h                   ; up by a row, filled with blue
        mov bh, 1
        mov cx, 0104h
        mov dx, 0513h
        int 10h
        mov ax, 0702h                   ; down by two
        mov bh, 4
        mov cx, 0508h
        mov dx, 0920h
        int 10h
        mov cx, 100
.dot:   mov dx, cx
        mov ah, 0ch
        mov al, cl
        and al, 0fh
        xor bh, bh
        int 10h
        loop .dot
        mov dx, 0304h                   ; what is there? drawn again elsewhere
        mov bh, 0
        mov ah, 2
        int 10h
        mov ah, 8
        int 10h
        mov dx, 0b02h
        mov ah, 2
        int 10h
        mov bl, 0eh
        mov ah, 9
        mov cx, 3
        int 10h
        mov cx, 33
        mov dx, 33
        mov ah, 0dh
        int 10h
        add al, 'a'
        mov bl, 0dh
        mov ah, 0eh
        int 10h
        ret
.string: db 'Drawn by INT 10h', 13, 10, 7, 8, 'xyz'
.string_end:

banked: mov bx, 101h
        call vbe
        jnz .done
        call palette
        mov ax, 0a000h
        mov es, ax
        xor dx, dx
.bank:  mov ax, 4f05h
        xor bx, bx
        int 10h
        xor di, di
        mov cx, 65535
        cmp dx, 4
        jne .fill
        mov cx, 45056
.fill:  mov ax, di
        xor al, ah
        add al, dl
        stosb
        loop .fill
        inc dx
        cmp dx, 5
        jb .bank
.done:  ret

linear_8:
        mov bx, 4101h
        call vbe
        jnz .done
        push edi
        mov ax, 4f08h                   ; the DAC with 8 bits
        mov bx, 0800h
        int 10h
        call palette
        pop edi
        call fill
.done:  ret

linear_15:
        mov bx, 4110h
        jmp linear
linear_16:
        mov bx, 4111h
        jmp linear
linear_24:
        mov bx, 4112h
        jmp linear
linear_32:
        mov bx, 4142h
linear: call vbe
        jnz .done
        call fill
.done:  ret

; A picture that is wider than the screen, of which a part is shown.
panned: mov bx, 4111h
        call vbe
        jnz .done
        push edi
        mov ax, 4f06h
        mov bx, 0
        mov cx, 800
        int 10h
        pop edi
        movzx eax, bx
        mov [pitch], eax
        mov dword [columns], 800
        mov dword [lines], 480 + 37
        call fill
        mov dword [columns], 640
        mov dword [lines], 480
        mov ax, 4f07h
        xor bx, bx
        mov cx, 96
        mov dx, 37
        int 10h
.done:  ret

        %include "unreal.inc"
align 16
buffer: times 1024 db 0
        boot_end
