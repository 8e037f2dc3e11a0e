; SPDX-License-Identifier: MIT
; A boot floppy that looks at the A20 gate as software does: all three switches, each alone, in both directions, and what is
; seen through the closed gate. Needs 4 MiB. The last line is `a20: N checks, M failed`.
        %include "boot.inc"

%macro expect_equal 3                   ; what, got, wanted (words; got is not SI)
        inc word [checks]
        mov ax, %2
        cmp ax, %3
        je %%ok
        inc word [failures]
        say "a20: FAIL: ", %1, 13, 10
%%ok:
%endmacro
%macro gate 2                           ; what, wanted: 1 open
        call gate_look
        expect_equal %1, dx, %2
%endmacro

main:   call unreal
        gate "open after POST", 1

        in al, 92h
        and al, 0fch
        out 92h, al
        gate "closed by port 92h", 0
        in al, 92h
        and ax, 2
        expect_equal "port 92h shows it", ax, 0
        in al, 92h
        or al, 2
        and al, 0feh
        out 92h, al
        gate "opened by port 92h", 1

        mov ah, 0ddh
        call output_port
        gate "closed by the 8042", 0
        mov ah, 0dfh
        call output_port
        gate "opened by the 8042", 1

        mov ax, 2400h
        int 15h
        gate "closed by INT 15h", 0
        mov ax, 2402h
        int 15h
        and ax, 0ffh
        expect_equal "INT 15h says closed", ax, 0
        mov ax, 2401h
        int 15h
        gate "opened by INT 15h", 1
        mov ax, 2402h
        int 15h
        and ax, 0ffh
        expect_equal "INT 15h says open", ax, 1

        ; what each MiB holds, with the gate open
        mov dword [fs:dword 000640h], 0aaaa0000h
        mov dword [fs:dword 100640h], 0aaaa0001h
        mov dword [fs:dword 200640h], 0aaaa0002h
        mov dword [fs:dword 300640h], 0aaaa0003h
        in al, 92h
        and al, 0fch
        out 92h, al
        expect_equal "1 MiB shows 0", word [fs:dword 100640h], 0
        expect_equal "2 MiB stays", word [fs:dword 200640h], 2
        expect_equal "3 MiB shows 2", word [fs:dword 300640h], 2
        mov word [fs:dword 300642h], 7777h
        expect_equal "written at 3 MiB, seen at 2", word [fs:dword 200642h], 7777h

        ; the instruction is not the guest's processor's but its monitor's
        mov ax, 0ffffh
        mov es, ax
        mov di, 0520h
        mov cx, 2
        mov word [0510h], 0
        mov al, 10h
        out 70h, al
        mov dx, 71h
        rep insb                        ; to FFFF:0520, which is 0:0510
        in al, 71h
        mov ah, al
        expect_equal "INS through the closed gate", ax, [0510h]
        mov ax, 0b800h
        mov es, ax
        mov word [es:0], 0741h
        expect_equal "the screen is seen 1 MiB above", word [fs:dword 1b8000h], 0741h
        mov word [fs:dword 1b8000h], 0742h
        expect_equal "and written there", word [es:0], 0742h
        push ds
        mov ax, 0ffffh
        mov ds, ax
        mov si, 0510h                   ; DS:SI is 0:0500
        mov di, 160
        movsw
        pop ds
        expect_equal "MOVS from the low end to the screen", word [es:160], [0500h]

        ; code at FFFF:0600 is that at 0:05F0
        mov dword [05f0h], 0cb1234b8h   ; mov ax, 1234h; retf
        call 0ffffh:0600h
        expect_equal "code through the closed gate", ax, 1234h

        ; a block move opens the gate and closes it again
        mov dword [0800h], 5566aabbh
        xor ax, ax
        mov es, ax
        mov si, descriptors
        mov cx, 2
        mov ah, 87h
        int 15h
        gate "closed after INT 15h AH=87h", 0
        in al, 92h
        or al, 2
        and al, 0feh
        out 92h, al
        gate "open at the end", 1
        expect_equal "AH=87h moved to 1 MiB", word [fs:dword 100700h], 0aabbh
        expect_equal "0 was not lost", word [fs:dword 000640h], 0
        expect_equal "1 MiB was not lost", word [fs:dword 100640h], 1
        expect_equal "2 MiB was not lost", word [fs:dword 200642h], 7777h
        expect_equal "3 MiB was not lost", word [fs:dword 300640h], 3

        say "a20: "
        mov ax, [checks]
        call put_decimal
        say " checks, "
        mov ax, [failures]
        call put_decimal
        say " failed", 13, 10
        jmp leave_machine

; DX: 1 if FFFF:0510 is another place than 0:0500.
gate_look:
        push ds
        push es
        xor ax, ax
        mov ds, ax
        mov ax, 0ffffh
        mov es, ax
        mov dword [0500h], 11111111h
        mov dword [es:0510h], 22222222h
        xor dx, dx
        cmp dword [0500h], 22222222h
        je .done
        mov dword [0500h], 33333333h
        cmp dword [es:0510h], 33333333h
        je .done
        inc dx
.done:  pop es
        pop ds
        ret

; Writes AH to the 8042's output port.
output_port:
        call .empty
        mov al, 0d1h
        out 64h, al
        call .empty
        mov al, ah
        out 60h, al
.empty: in al, 64h
        test al, 2
        jnz .empty
        ret

        %include "unreal.inc"
descriptors:                            ; of AH=87h: from 0:0800 to 1 MiB + 700h
        dq 0, 0, 000093000800ffffh, 000093100700ffffh, 0, 0
checks: dw 0
failures: dw 0
        boot_end
