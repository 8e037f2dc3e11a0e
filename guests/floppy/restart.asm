; SPDX-License-Identifier: MIT
; A boot floppy that resets its processor and comes back, as software of the 80286 does: shutdown status in CMOS 0Fh, where to
; go on at 40:67. The last line is `restart: N returns, M failed`. `restart: chips kept` comes where such a reset leaves the
; interrupt controllers alone. Before it, `restart: booted` is of status 04h, which boots at once.
        %include "boot.inc"
EXPECTED equ 9

; Resets by routine %2 with status %1; the code behind goes on.
%macro reset_by 2
        mov word [467h], %%back
        mov word [469h], 0
        mov al, 0fh
        out 70h, al
        mov al, %1
        out 71h, al
        jmp %2
%%back: call returned
%endmacro

; The same for those that return by a frame on the stack, which this pushes.
%macro return_by 2
        mov sp, 7000h
%if %1 == 0bh
        push word 0002h
%endif
        push word 0
        push word %%back
        mov [467h], sp
        mov word [469h], 0
        mov al, 0fh
        out 70h, al
        mov al, %1
        out 71h, al
        jmp %2
%%back: call returned
%endmacro

main:   cli
        cmp dword [600h], 'boot'
        je booted
        cmp dword [600h], 'once'        ; it was no return but a boot
        je .again
        mov dword [600h], 'once'
        mov byte [604h], 0
        mov al, 5ah                     ; what the chips keep
        out 21h, al
        reset_by 0ah, keyboard_controller
        in al, 21h
        cmp al, 5ah
        jne .reset
        say "restart: chips kept", 13, 10
.reset: reset_by 05h, keyboard_controller
        reset_by 0ah, port_92
        reset_by 0ah, triple_fault
        reset_by 05h, triple_fault
        return_by 0bh, keyboard_controller
        return_by 0ch, keyboard_controller
        mov sp, 7000h                   ; 09h: the end of a block move pops all registers, ES, DS, and returns over the flags
        push word 0002h
        push word 0
        push word .moved
        push word 1234h                 ; DS
        push word 5678h                 ; ES
        pusha
        mov [467h], sp
        mov word [469h], 0
        mov al, 0fh
        out 70h, al
        mov al, 09h
        out 71h, al
        jmp keyboard_controller
.moved: mov ax, ds
        cmp ax, 1234h
        jne .boot
        mov ax, es
        cmp ax, 5678h
        jne .boot
        cmp sp, 7000h
        jne .boot
        call returned
.boot:  xor ax, ax
        mov ds, ax
        mov dword [600h], 'boot'
        mov al, 0fh
        out 70h, al
        mov al, 04h
        out 71h, al
        jmp keyboard_controller
booted: mov dword [600h], 'once'
        say "restart: booted", 13, 10
        call protected                  ; from protected mode, A20 and all
        jmp done
main.again: say "restart: started anew", 13, 10
done:   mov dword [600h], 0
        say "restart: "
        movzx ax, byte [604h]
        call put_decimal
        say " returns, "
        mov ax, EXPECTED
        sub al, [604h]
        call put_decimal
        say " failed", 13, 10
        jmp leave_machine

; Sets up segments again, and counts.
returned:
        cld
        xor ax, ax
        mov ds, ax
        mov es, ax
        pop bx
        mov ss, ax
        mov sp, 7c00h
        inc byte [604h]
        jmp bx

keyboard_controller:
        in al, 64h
        test al, 2
        jnz keyboard_controller
        mov al, 0feh
        out 64h, al
.wait:  hlt
        jmp .wait

port_92:
        in al, 92h
        and al, 0feh
        out 92h, al
        or al, 1
        out 92h, al
.wait:  hlt
        jmp .wait

triple_fault:
        lidt [no_idt]
        int3
no_idt: dw 0
        dd 0

protected:
        pop bp
        lgdt [gdtr]
        mov word [467h], .back
        mov word [469h], 0
        mov al, 0fh
        out 70h, al
        mov al, 0ah
        out 71h, al
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 8:.code
.code:  lidt [no_idt]
        ud2
.back:  mov cx, bp
        smsw ax
        test al, 1
        jnz done
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7c00h
        inc byte [604h]
        jmp .out
.out:   jmp done

align 8
gdt:    dq 0, 00009a000000ffffh
gdtr:   dw 15
        dd gdt
        boot_end
