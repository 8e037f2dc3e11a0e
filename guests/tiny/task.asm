; SPDX-License-Identifier: MIT
; Task switches in every way: CALL, IRET, JMP, a gate in the GDT, a gate in the IDT with an error code, a fault in the new task's
; segments. A line for each check that failed; exit code = failures.
        bits 32
        org 0x200000

MAGIC     equ 0x1badb002
FLAGS     equ 0x00010000
EXIT_PORT equ 0xf4
COM1      equ 0x3f8
CODE      equ 8
DATA      equ 16
MAIN      equ 24
SECOND    equ 32
GATE      equ 40
FAULT     equ 48
BROKEN    equ 56

%macro check 1                          ; ZF = it is right
        je      %%ok
        mov     esi, %%text
        call    failed
        jmp     %%ok
%%text: db      %1, 0
%%ok:
%endmacro

image:
        align 4
header: dd MAGIC, FLAGS, -(MAGIC + FLAGS)
        dd header, image, 0, image + 0x10000, entry

entry:  mov     esp, stack_main
        lgdt    [gdt_pointer]
        lidt    [idt_pointer]
        jmp     CODE:.reload
.reload:
        mov     eax, DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        mov     edi, descriptors        ; the bases of the TSSs
.base:  movzx   ebx, word [edi]
        mov     eax, [edi + 4]
        mov     [gdt + ebx + 2], ax
        shr     eax, 16
        mov     [gdt + ebx + 4], al
        mov     [gdt + ebx + 7], ah
        add     edi, 8
        cmp     edi, descriptors_end
        jb      .base
        mov     dword [idt + 13 * 8], FAULT << 16
        mov     dword [idt + 13 * 8 + 4], 0x8500
        mov     eax, invalid_tss        ; #TS
        mov     [idt + 10 * 8], ax
        mov     word [idt + 10 * 8 + 2], CODE
        mov     word [idt + 10 * 8 + 4], 0x8e00
        shr     eax, 16
        mov     [idt + 10 * 8 + 6], ax
        mov     eax, MAIN
        ltr     ax

        mov     ebx, 0x11111111
        mov     esi, 0x22222222
        call    SECOND:0
        cmp     ebx, 0x11111111
        check   "EBX after a call"
        cmp     dword [count], 1
        check   "the second task ran"
        cmp     byte [gdt + SECOND + 5], 0x89
        check   "the second task is not busy after IRET"
        cmp     byte [gdt + MAIN + 5], 0x8b
        check   "the first task is busy"
        pushfd
        pop     eax
        and     eax, 0x4000
        check   "NT is clear in the first task"
        mov     eax, cr0
        and     eax, 8
        cmp     eax, 8
        check   "TS is set"
        clts
        call    GATE:0                  ; the second task goes on behind its IRET
        cmp     dword [count], 2
        check   "the second task ran again, by a gate"
        jmp     SECOND:0
        cmp     dword [count], 3
        check   "the second task ran by a jump"
        cmp     byte [gdt + SECOND + 5], 0x89
        check   "the second task is not busy after a jump away"

.fault: mov     ds, [bad_selector]      ; #GP(0x1234 & ~3) by a task gate
        cmp     dword [fault_code], 0x1234 & ~3
        check   "error code of a fault in a task of its own"
        cmp     dword [fault_link], MAIN
        check   "link of the fault's task"

        mov     dword [main_resume], .after
        call    BROKEN:0                ; its DS is not in the GDT: #TS in that task
.after: cmp     dword [invalid_code], 0x7ff0
        check   "error code of an invalid TSS"
        cmp     word [invalid_task], BROKEN
        check   "the task of an invalid TSS"

        mov     eax, [failures]
        mov     dx, EXIT_PORT
        out     dx, eax
.halt:  cli
        hlt
        jmp     .halt

failed: inc     dword [failures]
        push    esi
        mov     esi, .text
        call    .put
        pop     esi
        call    .put
        mov     esi, .line
.put:   lodsb
        test    al, al
        jz      .end
        mov     dx, COM1
        out     dx, al
        jmp     .put
.end:   ret
.text:  db      "FAIL: ", 0
.line:  db      13, 10, 0

second: mov     ebx, 0x33333333
        inc     dword [count]
        cmp     word [tss_second], MAIN
        check   "link of the called task"
        pushfd
        pop     eax
        and     eax, 0x4000
        cmp     eax, 0x4000
        check   "NT is set in the called task"
        iretd
        cmp     ebx, 0x33333333
        check   "EBX of the second task is kept"
        inc     dword [count]
        iretd
        inc     dword [count]
        pushfd
        pop     eax
        and     eax, 0x4000
        check   "NT is clear after a jump"
        jmp     MAIN:0
.end:   jmp     .end

fault_gate:
        pop     dword [fault_code]
        mov     ax, [tss_fault]
        mov     [fault_link], ax
        mov     word [tss_main + 0x54], DATA
        add     dword [tss_main + 0x20], 6 ; behind mov ds, [bad_selector]
        iretd
        jmp     fault_gate

; In the task whose TSS is wrong: back to the first as if nothing had been
invalid_tss:
        mov     eax, DATA
        mov     ds, eax
        pop     dword [invalid_code]
        str     [invalid_task]
        and     byte [gdt + MAIN + 5], ~2
        mov     eax, [main_resume]
        mov     [tss_main + 0x20], eax
        jmp     MAIN:0

        align 8
gdt:    dq      0, 0x00cf9b000000ffff, 0x00cf93000000ffff
        dq      0x0000890000000067      ; MAIN
        dq      0x0000890000000067      ; SECOND
        dq      0x0000850000200000      ; GATE to SECOND
        dq      0x0000890000000067      ; FAULT
        dq      0x0000890000000067      ; BROKEN
gdt_end:
gdt_pointer:
        dw      gdt_end - gdt - 1
        dd      gdt
idt_pointer:
        dw      20 * 8 - 1
        dd      idt

        align 4
descriptors:
        dd      MAIN, tss_main, SECOND, tss_second, FAULT, tss_fault, BROKEN, tss_broken
descriptors_end:

; EIP, stack, DS
%macro tss 3
        times 28 db 0
        dd      0, %1, 2, 0, 0, 0, 0, %2, 0, 0, 0
        dd      DATA, CODE, DATA, %3, DATA, DATA, 0, 0x680000
%endmacro
tss_main:   tss 0, 0, DATA
tss_second: tss second, stack_second, DATA
tss_fault:  tss fault_gate, stack_fault, DATA
tss_broken: tss second, stack_broken, 0x7ff0

count:        dd 0
failures:     dd 0
fault_code:   dd 0
fault_link:   dd 0
invalid_code: dd 0
invalid_task: dd 0
main_resume:  dd 0
bad_selector: dw 0x1234
        align 8
idt:    times 20 * 8 db 0
stack_main   equ image + 0x8000
stack_second equ image + 0x9000
stack_fault  equ image + 0xa000
stack_broken equ image + 0xb000
