; SPDX-License-Identifier: MIT
; Which registers the services of the BIOS change: a letter for each of AX BX CX DX SI DI BP ES whose low half did, a
; capital one for a high half, * for carry. Boot sectors count on what no BIOS touches.
%include "boot.inc"
DRIVE   equ 0ffffh                      ; in DX: the drive that this came from
%macro call_ 5                          ; vector, AX, BX, CX, DX
        db %1
        dw %2, %3, %4, %5
%endmacro
        mov si, calls
.next:  lodsb
        test al, al
        jz .end
        mov [.int + 1], al
        call hex8
        mov al, '.'
        call char
        lodsw
        mov [before], ax
        call hex16
        lodsw
        mov [before + 4], ax
        lodsw
        mov [before + 8], ax
        lodsw
        cmp ax, DRIVE
        jne .known
        mov al, [drive]
        mov ah, 0
.known: mov [before + 12], ax
        push si
        mov eax, [before]
        mov ebx, [before + 4]
        mov ecx, [before + 8]
        mov edx, [before + 12]
        mov esi, [before + 16]
        mov edi, [before + 20]
        mov ebp, [before + 24]
        mov es, [before + 28]
        clc
.int:   int 0
        pushf
        mov [after], eax
        mov [after + 4], ebx
        mov [after + 8], ecx
        mov [after + 12], edx
        mov [after + 16], esi
        mov [after + 20], edi
        mov [after + 24], ebp
        mov [after + 28], es
        xor ax, ax
        mov es, ax
        mov si, before
        mov di, after
        mov bx, letters
        mov cx, 16
.word:  cmpsw
        je .same
        mov al, [bx]
        call char
.same:  inc bx
        loop .word
        pop ax
        test al, 1
        jz .clear
        mov al, '*'
        call char
.clear: mov al, ' '
        call char
        pop si
        jmp .next
.end:   done

char:   push bx
        mov ah, 0eh
        mov bx, 7
        int 10h
        pop bx
        ret

letters: db 'aAbBcCdDsSiIpPeE'
before: dd 0a0110000h, 0b0220000h, 0c0330000h, 0d0440000h, 05055aaaah, 06066bbbbh, 07077cccch, 2000h
after:  times 8 dd 0
calls:  call_ 10h, 0100h, 0, 0607h, 0
        call_ 10h, 0300h, 0, 0, 0
        call_ 10h, 0500h, 0, 0, 0
        call_ 10h, 0601h, 0700h, 1818h, 1818h
        call_ 10h, 0701h, 0700h, 1818h, 1818h
        call_ 10h, 0800h, 0, 0, 0
        call_ 10h, 0920h, 7, 1, 0
        call_ 10h, 0a20h, 7, 1, 0
        call_ 10h, 0b00h, 0, 0, 0
        call_ 10h, 0e20h, 7, 0, 0
        call_ 10h, 0f00h, 0, 0, 0
        call_ 10h, 1000h, 0, 0, 0
        call_ 10h, 1003h, 1, 0, 0
        call_ 10h, 1007h, 1, 0, 0
        call_ 10h, 1008h, 0, 0, 0
        call_ 10h, 1010h, 00ffh, 1, 1
        call_ 10h, 1015h, 7, 0, 0
        call_ 10h, 101ah, 0, 0, 0
        call_ 10h, 1103h, 0, 0, 0
        call_ 10h, 1130h, 0600h, 0, 0
        call_ 10h, 1200h, 0010h, 0, 0
        call_ 10h, 1200h, 0034h, 0, 0
        call_ 10h, 1a00h, 0, 0, 0
        call_ 10h, 1c00h, 0, 7, 0
        call_ 10h, 4f03h, 0, 0, 0
        call_ 10h, 0200h, 0, 0, 0300h
        call_ 10h, 0d00h, 0, 0, 0
        call_ 10h, 1114h, 0, 0, 0
        call_ 10h, 1200h, 0032h, 0, 0
        call_ 10h, 4f00h, 0, 0, 0
        call_ 10h, 4f01h, 0, 101h, 0
        call_ 10h, 4f15h, 0, 0, 0
        call_ 11h, 5500h, 0, 0, 0
        call_ 12h, 5500h, 0, 0, 0
        call_ 13h, 0000h, 0, 0, DRIVE
        call_ 13h, 0100h, 0, 0, DRIVE
        call_ 13h, 0201h, 3000h, 1, DRIVE
        call_ 13h, 0401h, 3000h, 1, DRIVE
        call_ 13h, 0800h, 0, 0, DRIVE
        call_ 13h, 0c00h, 0, 1, DRIVE
        call_ 13h, 1500h, 0, 0, DRIVE
        call_ 14h, 0300h, 0, 0, 0
        call_ 15h, 2402h, 0, 0, 0
        call_ 15h, 2403h, 0, 0, 0
        call_ 15h, 4f1eh, 0, 0, 0
        call_ 15h, 8600h, 0, 0, 2000
        call_ 15h, 8800h, 0, 0, 0
        call_ 15h, 0c000h, 0, 0, 0
        call_ 15h, 0c100h, 0, 0, 0
        call_ 15h, 0e801h, 0, 0, 0
        call_ 16h, 0100h, 0, 0, 0
        call_ 16h, 0200h, 0, 0, 0
        call_ 16h, 0900h, 0, 0, 0
        call_ 16h, 1100h, 0, 0, 0
        call_ 16h, 1200h, 0, 0, 0
        call_ 1ah, 0200h, 0, 5a5ah, 5a5ah
        call_ 1ah, 0400h, 0, 0, 0
        call_ 1ah, 0b101h, 0, 0, 0
        call_ 1ah, 0b103h, 0, 0, 0
        call_ 15h, 5300h, 0, 0, 0
        call_ 15h, 0c200h, 0, 0, 0
        call_ 15h, 2401h, 0, 0, 0
        call_ 15h, 0d800h, 0, 0, 0
        call_ 13h, 4100h, 55aah, 0, DRIVE
        call_ 16h, 0305h, 0, 0, 0
        call_ 16h, 0400h, 0, 0, 0
        call_ 16h, 0500h, 0, 1e61h, 0
        call_ 16h, 0100h, 0, 0, 0
        call_ 16h, 0000h, 0, 0, 0
        call_ 16h, 5500h, 0, 0, 0
        call_ 15h, 8a00h, 0, 0, 0
        call_ 1ah, 0600h, 0, 0, 0
        db 0
        times 512 * 17 - ($ - main) db 0
