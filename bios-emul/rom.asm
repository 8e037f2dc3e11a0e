; SPDX-License-Identifier: MIT
; The ROM of the virtual PC, F0000-FFFFF: stubs that trap to the VMM, the interrupt handlers that are better in the guest
; itself, and the tables that software looks for at their historical places. bios-emul/rom.h says the same offsets.

%define BDA        40h
%define SERVICE(n) (TRAPS + 4 * (n))

INTERRUPTS equ 0100h                    ; 256 stubs of 4 bytes: vmcall, iret
TRAPS      equ 0500h                    ; stubs of 4 bytes for this ROM's own code: vmcall, ret
WAITS      equ 0600h                    ; 256 loops of 8 bytes: a service that was not done is asked again
FONT16     equ 2000h
FONT14     equ 3000h
NO_GLYPHS  equ 3e00h                    ; list of the 9-dot replacement glyphs: empty
FONT8      equ 4000h                    ; whole; its lower half also lies at fa6eh

; Numbers of the traps, as in rom.h.
TRAP_KEY       equ 0
TRAP_RTC       equ 1
TRAP_MOUSE     equ 2
TRAP_BOOT      equ 3
TRAP_BOOT_NEXT equ 4
TRAP_ROM_SCAN  equ 5

section .rodata align=4096
global bios_rom
bits 16

%macro vmcall_bytes 0
        db 0fh, 01h, 0c1h               ; VMMCALL is 0f 01 d9
%endmacro

%macro offset 1                         ; the next byte lies at this offset
        times (%1) - ($ - bios_rom) db 0
%endmacro

%macro trap 1
        call bios_rom + SERVICE(%1)
%endmacro

bios_rom:
        db 'Mica BIOS', 0

        offset INTERRUPTS
%rep 256
        vmcall_bytes
        iret
%endrep

        offset TRAPS
%rep 32
        vmcall_bytes
        ret
%endrep

; 580h-5ffh: entries from protected mode. 16- and 32-bit code, RETF either way.
        offset 0580h
bios32_entry:                           ; BIOS32 service directory
        vmcall_bytes
        retf
pci32_entry:
        vmcall_bytes
        retf
apm_entry:                              ; APM 1.2, 16- and 32-bit
        vmcall_bytes
        retf
vbe_window:                             ; far call of VBE mode information
        vmcall_bytes
        retf

        offset WAITS
%assign vector 0
%rep 256
        sti
        hlt
        cli
        jmp near bios_rom + INTERRUPTS + 4 * vector
        nop
        nop
%assign vector vector + 1
%endrep

        offset 0e00h
        sti                             ; a service that idles
        hlt
        iret

        offset 0e10h
        mov ax, 82h                     ; Plug and Play, both entries: no function is supported
        retf

; ---- VBE from protected mode: 32-bit code that a program may copy anywhere. Registers as for AX=4F05h, 4F07h and 4F09h, but
; that ES:EDI is the palette; it uses the ports alone.
DISPI_INDEX equ 1ceh
DISPI_XRES  equ 1
DISPI_BPP   equ 3
DISPI_BANK  equ 5
DISPI_VIRT_WIDTH equ 6
DISPI_X     equ 8
DISPI_Y     equ 9

        offset 1000h
        dw vbe_end - vbe_code
vbe_code:
        dw vbe_set_window - vbe_code, vbe_set_start - vbe_code, vbe_set_palette - vbe_code, vbe_ports - vbe_code
vbe_ports:
        dw 1ceh, 1cfh, 3c8h, 3c9h, 3dah, 0ffffh, 0ffffh ; no memory
bits 32
vbe_get:                                ; register AL to AX
        push edx
        movzx eax, al
        mov dx, DISPI_INDEX
        out dx, ax
        inc edx
        in ax, dx
        pop edx
        ret

vbe_put:                                ; BX to register AL
        push edx
        movzx eax, al
        mov dx, DISPI_INDEX
        out dx, ax
        inc edx
        mov eax, ebx
        out dx, ax
        pop edx
        ret

vbe_set_window:
        cmp bl, 0
        jne vbe_bad
        cmp bh, 1
        ja vbe_bad
        mov al, DISPI_BANK
        je .get
        push ebx
        mov ebx, edx
        call vbe_put
        mov al, DISPI_BANK
        call vbe_get
        cmp ax, bx
        pop ebx
        jne vbe_bad
        mov ax, 4fh
        ret
.get:   call vbe_get
        mov dx, ax
        mov ax, 4fh
        ret

vbe_bad:
        mov ax, 14fh
        ret

vbe_set_start:                          ; DX:CX in units of 4 bytes
        test bl, 7fh
        jnz vbe_bad
        push ebx
        push ecx
        push edx
        push esi
        push edi
        mov al, DISPI_BPP
        call vbe_get
        movzx esi, ax
        add esi, 7
        shr esi, 3                      ; bytes of a pixel
        mov al, DISPI_VIRT_WIDTH
        call vbe_get
        movzx edi, ax
        imul edi, esi                   ; and of a line
        shl edx, 16
        mov dx, cx
        lea eax, [edx * 4]
        xor edx, edx
        test edi, edi
        jz .done
        div edi
        mov ebx, eax
        mov eax, edx
        xor edx, edx
        div esi
        mov ecx, eax
        mov al, DISPI_Y
        call vbe_put
        mov ebx, ecx
        mov al, DISPI_X
        call vbe_put
.done:  pop edi
        pop esi
        pop edx
        pop ecx
        pop ebx
        mov ax, 4fh
        ret

vbe_set_palette:                        ; CX entries from DL on: blue, green, red, nothing
        test bl, 7fh
        jnz vbe_bad
        push ecx
        push edx
        push edi
        movzx ecx, cx
        mov al, dl
        mov dx, 3c8h
        out dx, al
        inc edx
        jecxz .done
.entry: mov al, [es:edi + 2]
        out dx, al
        mov al, [es:edi + 1]
        out dx, al
        mov al, [es:edi]
        out dx, al
        add edi, 4
        loop .entry
.done:  pop edi
        pop edx
        pop ecx
        mov ax, 4fh
        ret
vbe_end:
bits 16

; ---- interrupt handlers

; Hardware interrupts that nobody expects.
irq_master:
        push ax
        mov al, 20h
        out 20h, al
        pop ax
        iret

irq_slave:
        push ax
        mov al, 20h
        out 0a0h, al
        out 20h, al
        pop ax
        iret

int75:  push ax                         ; coprocessor: the exception is NMI on a PC
        xor al, al
        out 0f0h, al
        mov al, 20h
        out 0a0h, al
        out 20h, al
        pop ax
        int 02h
        iret

int76:  push ax                         ; IDE
        push ds
        mov ax, BDA
        mov ds, ax
        mov byte [8eh], 0ffh
        mov al, 20h
        out 0a0h, al
        out 20h, al
        pop ds
        pop ax
        iret

int70:  push ax                         ; real-time clock
        trap TRAP_RTC
        test al, al
        jz .done
        int 4ah
.done:  mov al, 20h
        out 0a0h, al
        out 20h, al
        pop ax
        iret

; PS/2 mouse: the trap takes the byte; a whole packet is given to the caller's handler, which gets status, X, Y and Z on
; its stack and is named in ES:DI.
int74:  pushad
        push ds
        push es
        trap TRAP_MOUSE
        test al, al
        jz .done
        push bx
        push cx
        push dx
        push word 0
        push cs
        push word .back - bios_rom
        push es
        push di
        retf
.back:  cli
        add sp, 8
.done:  mov al, 20h
        out 0a0h, al
        out 20h, al
        pop es
        pop ds
        popad
        iret

; Timer, 18.2 Hz.
tick:   push eax
        push ds
        push dx
        mov ax, BDA
        mov ds, ax
        mov eax, [6ch]
        inc eax
        cmp eax, 1800b0h
        jb .count
        xor eax, eax
        inc byte [70h]
.count: mov [6ch], eax
        cmp byte [40h], 0
        je .motor
        dec byte [40h]
        jnz .motor
        and byte [3fh], 0f0h
        mov dx, 3f2h                    ; motors off, controller on
        mov al, 0ch
        out dx, al
.motor: xor dx, dx                      ; handlers in boot sectors count on DS = 0, as QEMU's and Bochs' BIOS call them
        mov ds, dx
        int 1ch
        cli
        mov al, 20h
        out 20h, al
        pop dx
        pop ds
        pop eax
        iret

; Keyboard. The trap answers in AH what is to follow the end of interrupt.
keyboard:
        push ax
        in al, 60h
        mov ah, 4fh
        stc
        int 15h
        jnc .done
        trap TRAP_KEY
        cli
        push ax
        mov al, 20h
        out 20h, al
        pop ax
        shr ax, 8
        jz .out
        dec al
        jz .print
        dec al
        jz .break
        dec al
        jz .sysreq_down
        dec al
        jz .sysreq_up
        dec al
        jz .pause
        dec al
        jz restart
        jmp .out
.done:  mov al, 20h
        out 20h, al
.out:   pop ax
        iret
.print: sti
        int 05h
        jmp .out
.break: int 1bh
        jmp .out
.sysreq_down:
        mov ax, 8500h
        sti
        int 15h
        jmp .out
.sysreq_up:
        mov ax, 8501h
        sti
        int 15h
        jmp .out
.pause: push ds                         ; until a key that is not Pause
        mov ax, BDA
        mov ds, ax
.held:  sti
        hlt
        cli
        test byte [18h], 08h
        jnz .held
        pop ds
        jmp .out

restart:                                ; Ctrl-Alt-Del
        cli
        push word BDA
        pop ds
        mov word [72h], 1234h
        mov al, 0feh
        out 64h, al
.wait:  hlt
        jmp .wait

; INT 15h. The A20 gate is switched here, by port 92h: below a V86 monitor that is the monitor's port.
system: cmp ah, 24h
        jne .service
        cmp al, 3
        jae .service
        push dx
        mov dl, al
        in al, 92h
        cmp dl, 2
        je .ask
        and al, 0fch
        add al, dl
        add al, dl
        out 92h, al
        mov al, dl
        jmp .done
.ask:   shr al, 1
        and al, 1
.done:  pop dx
        mov ah, 0
        push bp
        mov bp, sp
        and byte [bp + 6], 0feh         ; CF
        pop bp
        iret
.service: jmp bios_rom + INTERRUPTS + 4 * 15h

floppy: push ax                         ; IRQ 6
        push ds
        mov ax, BDA
        mov ds, ax
        or byte [3eh], 80h
        mov al, 20h
        out 20h, al
        pop ds
        pop ax
        iret

; ---- boot

; After POST. AL says how: 0 from power-on, 1 and 2 by the far pointer at 40:67 (2 after an EOI), 3 boot at once,
; 4 the end of a block move.
post_done:
        xor bx, bx
        mov ss, bx
        mov sp, 7000h
        cmp al, 1
        je .jump
        cmp al, 2
        je .eoi
        cmp al, 4
        je .block
        cmp al, 3
        je .boot
        cmp al, 5
        jae .return
.roms:  trap TRAP_ROM_SCAN
        test al, al
        jz .boot
        push cs
        push word .roms - bios_rom
        push es
        push bx
        retf
.boot:  int 19h
.eoi:   mov al, 20h
        out 0a0h, al
        out 20h, al
.jump:  mov bx, BDA                     ; nothing is pushed: the stack below may be the guest's
        mov ds, bx
        jmp far [67h]
.return: mov bx, BDA
        mov ds, bx
        lss sp, [67h]
        cmp al, 5
        jne .far
        iret
.far:   retf
.block: mov bx, BDA
        mov ds, bx
        lss sp, [67h]
        popa
        pop es
        pop ds
        mov ah, 0
        retf 2

boot:   cli
        cld
        xor ax, ax
        mov ss, ax
        mov sp, 7000h
        trap TRAP_BOOT
        jmp short boot_go

boot_next:
        cli
        cld
        xor ax, ax
        mov ss, ax
        mov sp, 7000h
        trap TRAP_BOOT_NEXT
boot_go:                                ; AL: 1 = nothing to boot; else ES:BX is the way, DL the drive
        sti
        test al, al
        jnz .none
        push es
        push bx
        xor bx, bx
        mov ds, bx
        mov es, bx
        mov ax, 0aa55h
        retf
.none:  xor ax, ax
        int 16h
        int 19h

; ---- fonts

        offset FONT16
        incbin "font16.bin"
        offset FONT14
        incbin "font14.bin"
        offset NO_GLYPHS
        db 0
        offset FONT8
        incbin "font8.bin"

; 5000h-dfffh: tables that POST writes (rom.h)

; ---- historical entry points (IBM PC AT Technical Reference; Phoenix)

        offset 0e000h
        db 'Mica BIOS. Not COPR. IBM 1981, but compatible.', 0

        offset 0e05bh
post:   vmcall_bytes
        jmp post_done

        offset 0e2c3h
        iret                            ; NMI

        offset 0e3feh
        jmp bios_rom + INTERRUPTS + 4 * 13h

        offset 0e401h                       ; hard disk parameter table, type 0
        times 16 db 0

        offset 0e6f2h
        jmp boot

        offset 0e6f5h                       ; INT 15h AH=C0h
        dw 8
        db 0fch, 0, 1                   ; AT; submodel, revision
        db 74h                          ; second PIC, RTC, keyboard intercept, extended BDA
        db 40h                          ; INT 16h AH=09h
        db 0, 0, 0

        offset 0e729h                       ; divisors of INT 14h
        dw 0417h, 0300h, 0180h, 00c0h, 0060h, 0030h, 0018h, 000ch

        offset 0e739h
        jmp bios_rom + INTERRUPTS + 4 * 14h

        offset 0e82eh
        jmp bios_rom + INTERRUPTS + 4 * 16h

        offset 0e987h
        jmp keyboard

        offset 0ec59h
        jmp bios_rom + INTERRUPTS + 4 * 40h

        offset 0ef57h
        jmp floppy

        offset 0efc7h                       ; diskette parameters, 1.44 MB
        db 0dfh, 02h, 25h, 02h, 12h, 1bh, 0ffh, 6ch, 0f6h, 0fh, 08h

        offset 0efd2h
        jmp bios_rom + INTERRUPTS + 4 * 17h

        offset 0f065h
        jmp bios_rom + INTERRUPTS + 4 * 10h

        offset 0f0a4h                       ; INT 1Dh: 6845 registers of the colour and monochrome adapters
        db 38h, 28h, 2dh, 0ah, 1fh, 06h, 19h, 1ch, 02h, 07h, 06h, 07h, 0, 0, 0, 0
        db 71h, 50h, 5ah, 0ah, 1fh, 06h, 19h, 1ch, 02h, 07h, 06h, 07h, 0, 0, 0, 0
        db 38h, 28h, 2dh, 0ah, 7fh, 06h, 64h, 70h, 02h, 01h, 06h, 07h, 0, 0, 0, 0
        db 61h, 50h, 52h, 0fh, 19h, 06h, 19h, 19h, 02h, 0dh, 0bh, 0ch, 0, 0, 0, 0
        dw 0800h, 1000h, 4000h, 4000h   ; bytes of a page
        db 40, 40, 80, 80, 40, 40, 80, 80
        db 2ch, 28h, 2dh, 29h, 2ah, 2eh, 1eh, 29h

        offset 0f841h
        jmp bios_rom + INTERRUPTS + 4 * 12h

        offset 0f84dh
        jmp bios_rom + INTERRUPTS + 4 * 11h

        offset 0f859h
        jmp system

        offset 0fa6eh
        incbin "font8.bin", 0, 1024

        offset 0fe6eh
        jmp bios_rom + INTERRUPTS + 4 * 1ah

        offset 0fea5h
        jmp tick

        offset 0fef3h                       ; vectors 08h-1Fh, as the first PC copied them
        dw 0fea5h, 0e987h
        times 4 dw irq_master - bios_rom
        dw 0ef57h, irq_master - bios_rom
        dw 0f065h, 0f84dh, 0f841h, 0e3feh, 0e739h, 0f859h, 0e82eh, 0efd2h
        dw boot_next - bios_rom, 0e6f2h, 0fe6eh, 0ff53h, 0ff53h, 0f0a4h, 0efc7h, FONT8 + 1024

; The vectors 70h-77h and 18h for POST.
        offset 0ff30h
        dw int70 - bios_rom, irq_slave - bios_rom, irq_slave - bios_rom, irq_slave - bios_rom
        dw int74 - bios_rom, int75 - bios_rom, int76 - bios_rom, int76 - bios_rom

        offset 0ff53h
        iret

        offset 0ff54h
        jmp bios_rom + INTERRUPTS + 4 * 05h

        offset 0fff0h
        jmp 0f000h:0e05bh
        db '06/23/99'
        db 0
        db 0fch                         ; AT
        db 0

section .note.GNU-stack noalloc noexec nowrite progbits
