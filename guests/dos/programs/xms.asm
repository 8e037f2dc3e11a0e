; SPDX-License-Identifier: MIT
; An XMS 3.0 driver that stays resident: the high memory area, A20 by each of the ways that a PC has, blocks of extended memory of any
; size, moves by unreal mode, or by INT 15h AH=87h where a V86 monitor is below. No upper memory. INT 15h tells of none any more.
%include "dos.inc"
FIRST   equ 1024 + 64                   ; KiB: behind the high memory area
HANDLES equ 32
CHUNK   equ 2000h                       ; bytes of a move without interrupts
; the caller's registers: PUSHAD, DS, ES
%define C_DS  word [bp+2]
%define C_ESI dword [bp+8]
%define C_EBX dword [bp+20]
%define C_BL  byte [bp+20]
%define C_BX  word [bp+20]
%define C_DX  word [bp+24]
%define C_EDX dword [bp+24]
%define C_ECX dword [bp+28]
%define C_AX  word [bp+32]
struc block
.base:  resd 1                          ; KiB
.size:  resd 1
.used:  resb 1
.locks: resb 1
        alignb 4
endstruc
        jmp start

old2f:  dd 0
old15:  dd 0
int2f:  cmp ax, 4300h
        jne .entry
        mov al, 80h
        iret
.entry: cmp ax, 4310h
        jne .old
        mov bx, entry
        push cs
        pop es
        iret
.old:   jmp far [cs:old2f]

int15:  cmp ah, 88h
        je .none
        cmp ax, 0e801h
        jne .old
        xor bx, bx
        xor cx, cx
        xor dx, dx
.none:  xor ax, ax
        push bp
        mov bp, sp
        and byte [bp+6], 0feh           ; CF
        pop bp
        iret
.old:   jmp far [cs:old15]

entry:  jmp short .go
        times 3 nop
.go:    pushad
        push ds
        push es
        mov bp, sp
        cld
        push cs
        pop ds
        movzx si, ah
        cmp ah, 12h
        jbe .known
        sub si, 88h - 13h
        cmp si, 13h
        jb .unknown
        cmp si, 13h + 7
        ja .unknown
.known: add si, si
        call [functions+si]
        jc .error
        mov C_AX, 1
        jmp leave_xms
.unknown: mov bl, 80h
.error: mov C_AX, 0
        mov C_BL, bl
leave_xms:
        pop es
        pop ds
        popad
        retf
functions: dw version, hma_take, hma_give, global_on, global_off, local_on, local_off, a20_query, free_16, take_16, give, move
        dw lock_it, unlock_it, info_16, resize_16, no_umb, no_umb, no_umb
        dw free_32, take_32, none, none, none, none, info_32, resize_32
none:   mov bl, 80h
        stc
        ret
no_umb: mov bl, 0b1h
        stc
        ret
version: mov C_AX, 0300h
        mov C_BX, 1
        mov C_DX, 1
        pop ax
        jmp leave_xms

hma_take: mov bl, 91h
        bts word [hma], 0
        ret
hma_give: mov bl, 93h
        btr word [hma], 0
        cmc
        ret

%include "xms_a20.inc"

; ---- blocks
; EDX KiB from where on? EAX, CF: nowhere
find:   mov eax, FIRST
.from:  mov ecx, eax
        add ecx, edx
        cmp [top], ecx
        jb .none
        mov si, blocks
.next:  cmp byte [si+block.used], 0
        je .free
        mov edi, [si+block.base]
        cmp edi, ecx
        jae .free
        add edi, [si+block.size]
        cmp edi, eax
        jbe .free
        mov eax, edi
        jmp .from
.free:  add si, block_size
        cmp si, blocks + HANDLES * block_size
        jb .next
        clc
.none:  ret
; EAX = the largest that is free, EDX = all
free:   mov edx, [top]
        sub edx, FIRST
        mov si, blocks
.next:  cmp byte [si+block.used], 0
        je .free
        sub edx, [si+block.size]
.free:  add si, block_size
        cmp si, blocks + HANDLES * block_size
        jb .next
        push edx
        xor ebx, ebx                    ; bit by bit
        mov edx, 80000000h
.bit:   push edx
        or edx, ebx
        call find
        pop edx
        jc .less
        or ebx, edx
.less:  shr edx, 1
        jnz .bit
        mov eax, ebx
        pop edx
        ret
free_16: call free
        mov ebx, 0ffffh
        cmp eax, ebx
        cmova eax, ebx
        cmp edx, ebx
        cmova edx, ebx
        mov C_AX, ax
        mov C_DX, dx
        jmp free_end
free_32: call free
        mov dword [bp+32], eax
        mov C_EDX, edx
        mov eax, [top]
        shl eax, 10
        dec eax
        mov C_ECX, eax
free_end: mov C_BL, 0
        test edx, edx
        jnz .some
        mov C_BL, 0a0h
.some:  pop ax
        jmp leave_xms
take_16: movzx edx, dx
take_32: mov di, blocks
.next:  cmp byte [di+block.used], 0
        je .found
        add di, block_size
        cmp di, blocks + HANDLES * block_size
        jb .next
        mov bl, 0a1h
        stc
        ret
.found: push di
        call find
        pop di
        mov bl, 0a0h
        jc .none
        mov [di+block.base], eax
        mov [di+block.size], edx
        mov word [di+block.used], 1
        mov C_DX, di
        clc
.none:  ret
; DX a handle; SI its block, CF and BL: it is not one
of_dx:  mov si, dx
        mov bl, 0a2h
        lea ax, [si-blocks]
        cmp ax, HANDLES * block_size
        cmc
        jc .bad
        push dx
        xor dx, dx
        mov cx, block_size
        div cx
        neg dx
        pop dx
        jc .bad
        cmp byte [si+block.used], 1
.bad:   ret
give:   call of_dx
        jc .bad
        mov bl, 0abh
        cmp byte [si+block.locks], 1
        cmc
        jc .bad
        mov byte [si+block.used], 0
.bad:   ret
lock_it: call of_dx
        jc .bad
        inc byte [si+block.locks]
        mov eax, [si+block.base]
        shl eax, 10
        mov C_BX, ax
        shr eax, 16
        mov C_DX, ax
.bad:   ret
unlock_it: call of_dx
        jc .bad
        mov bl, 0aah
        sub byte [si+block.locks], 1
        jnc .bad
        mov byte [si+block.locks], 0
.bad:   ret
handles_free: xor cx, cx
        mov di, blocks
.next:  cmp byte [di+block.used], 1
        adc cx, 0
        add di, block_size
        cmp di, blocks + HANDLES * block_size
        jb .next
        ret
info_16: call of_dx
        jc .bad
        call handles_free
        mov ch, [si+block.locks]
        mov C_BX, cx
        mov eax, [si+block.size]
        mov C_DX, ax
        clc
.bad:   ret
info_32: call of_dx
        jc .bad
        call handles_free
        mov word [bp+28], cx
        mov al, [si+block.locks]
        mov byte [bp+21], al
        mov eax, [si+block.size]
        mov C_EDX, eax
        clc
.bad:   ret
resize_16: movzx ebx, bx
resize_32: mov eax, ebx
        push eax
        call of_dx
        pop eax
        jc .bad
        mov bl, 0abh
        cmp byte [si+block.locks], 1
        cmc
        jc .bad
        cmp eax, [si+block.size]
        jbe .set
        mov edx, eax                    ; elsewhere, or where it is: its own place counts as free
        mov byte [si+block.used], 0
        push si
        call find
        pop si
        mov byte [si+block.used], 1
        mov bl, 0a0h
        jc .bad
        mov edi, eax
        mov eax, edx
        mov ecx, [si+block.size]
        mov edx, [si+block.base]
        mov [si+block.base], edi
        mov [si+block.size], eax
        shl ecx, 10
        shl edi, 10
        shl edx, 10
        mov esi, edx
        jmp copy
.set:   mov [si+block.size], eax
        clc
.bad:   ret

%include "xms_move.inc"
hma:    dw 0
local:  dw 0
wanted: db 0
method: dw 0
top:    dd 0                            ; KiB
gdtr:   dw 15
        dd 0
align 8
gdt:    dq 0, 00cf92000000ffffh
table:  times 16 db 0
        dw 0ffffh, 0, 9300h, 0, 0ffffh, 0, 9300h, 0
        times 16 db 0
blocks: times HANDLES * block_size db 0
resident:

methods: dw by_8042_command, by_8042, by_port92, by_bios, 0
start:  mov ax, 4300h
        int 2fh
        cmp al, 80h
        jne .alone
        fail 'XMS: there is a driver already'
.alone: mov ax, 0e801h                  ; how much memory
        int 15h
        jc .old
        movzx ecx, cx
        movzx edx, dx
        shl edx, 6
        lea eax, [ecx+edx+1024]
        cmp cx, 15 * 1024               ; a hole behind 16 MiB otherwise
        je .size
        lea eax, [ecx+1024]
        jmp .size
.old:   mov ah, 88h
        int 15h
        movzx eax, ax
        add eax, 1024
.size:  mov [top], eax
        mov eax, cs
        shl eax, 4
        add eax, gdt
        mov [gdtr+2], eax
        mov si, methods
.method: lodsw
        test ax, ax
        jz .hook
        mov [method], ax
        push si
        mov al, 0
        call a20_set
        pop si
        jc .bad
        push si
        mov al, 1
        call a20_set
        pop si
        jc .bad
        jmp .method
.bad:   sub si, methods
        mov ax, si
        shr al, 1
        add al, '0'
        mov [.number], al
        say 'XMS: '
        mov dx, .failed
        mov ah, 9
        int 21h
        quit 1
.failed: db 'A20 is not switched by method '
.number: db '0', 13, 10, '$'
.hook:  mov al, 0
        call a20_set
        mov ax, 352fh
        int 21h
        mov [old2f], bx
        mov [old2f+2], es
        mov dx, int2f
        mov ax, 252fh
        int 21h
        mov ax, 3515h
        int 21h
        mov [old15], bx
        mov [old15+2], es
        mov dx, int15
        mov ax, 2515h
        int 21h
        say 'XMS: resident', 13, 10
        mov dx, (resident - $$ + 100h + 15) / 16
        mov ax, 3100h
        int 21h
