; SPDX-License-Identifier: MIT
; The ROM of the virtual PC, F0000-FFFFF: stubs that trap to the VMM, the interrupt handlers that are better in the guest
; itself, and the tables that software looks for at their historical places. bios-emul/rom.h says the same offsets.
; Which byte lies where is said here; the code that has no place of its own is in rom_*.inc.

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

        offset 1000h
%include "bios-emul/rom_vbe.inc"
%include "bios-emul/rom_interrupts.inc"
%include "bios-emul/rom_boot.inc"

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
