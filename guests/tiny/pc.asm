; SPDX-License-Identifier: MIT
; What small test kernels expect of a PC around them: boot information, QEMU's configuration and test devices, the local APIC
; off and on and elsewhere. A line for each check that failed, the words of the command line and the module; exit code = failures.
        %include "start.inc"

FW_SELECT  equ 0x510
FW_DATA    equ 0x511
LOOPBACK   equ 0xe0
IRQ_LINES  equ 0x2000
WINDOW     equ 0xff000000
APIC       equ 0xfee00000
APIC_MOVED equ 0xfe000000
APIC_BASE  equ 0x1b
X2APIC     equ 0x802

%macro check 1                          ; ZF = it is right
        je      %%ok
        mov     esi, %%text
        call    failed
        jmp     %%ok
%%text: db      %1, 0
%%ok:
%endmacro

main:   mov     [info], ebx
        call    boot_information
        call    configuration
        call    test_device
        call    local_apic
        mov     eax, [failures]
        add     rsp, 8                  ; the exit code is ours
        jmp     power_off

failed: push    rsi
        mov     esi, .text
        call    put_text
        pop     rsi
        call    put_text
        inc     dword [failures]
        jmp     new_line
.text:  db      "FAIL: ", 0

boot_information:
        mov     ebx, [info]
        mov     eax, [rbx]
        and     eax, 0x45               ; memory, command line, map
        cmp     eax, 0x45
        check   "flags of the boot information"
        mov     esi, [rbx + 16]
        call    put_text
        call    new_line
        test    dword [rbx], 8
        jz      .end
        mov     eax, [rbx + 20]
        cmp     eax, 1
        check   "one module"
        mov     ecx, [rbx + 24]
        mov     esi, [rcx]              ; its text, as long as it is
        mov     ebx, [rcx + 4]
.byte:  cmp     esi, ebx
        jae     new_line
        lodsb
        call    put_char
        jmp     .byte
.end:   ret

; ECX: bytes of key AX -> RAX
fw_value:
        mov     dx, FW_SELECT
        out     dx, ax
        mov     dx, FW_DATA
        xor     ebx, ebx
        xor     edi, edi
.next:  in      al, dx
        movzx   eax, al
        xchg    ecx, edi
        shl     rax, cl
        xchg    ecx, edi
        or      rbx, rax
        add     edi, 8
        loop    .next
        mov     rax, rbx
        ret

configuration:
        xor     eax, eax
        mov     ecx, 4
        call    fw_value
        cmp     eax, "QEMU"
        check   "signature of the configuration device"
        mov     eax, 5
        mov     ecx, 2
        call    fw_value
        cmp     eax, 1
        check   "one CPU"
        mov     eax, 3
        mov     ecx, 8
        call    fw_value
        shr     rax, 20
        call    put_number
        mov     esi, .text
        jmp     put_text
.text:  db      " MiB", 13, 10, 0

test_device:
        mov     eax, 0x12345678
        mov     dx, LOOPBACK
        out     dx, eax
        in      ax, dx
        cmp     ax, 0x5678
        check   "loopback of a word"
        mov     dx, LOOPBACK + 3
        in      al, dx
        cmp     al, 0x12
        check   "loopback of the last byte"
        mov     al, 0x99
        out     dx, al
        mov     dx, LOOPBACK
        in      eax, dx
        cmp     eax, 0x99345678
        check   "loopback of a byte in a double word"
        mov     al, 0x0a                ; 8259: read the requests
        out     0xa0, al
        mov     al, 1
        mov     dx, IRQ_LINES + 14
        out     dx, al
        in      al, 0xa0
        and     al, 0x40
        cmp     al, 0x40
        check   "interrupt line 14 up"
        xor     eax, eax
        out     dx, al
        mov     rax, 0x1122334455667788
        mov     ebx, WINDOW + 0x40
        mov     [rbx], rax
        cmp     [rbx], rax
        check   "window, quad word"
        cmp     byte [rbx + 2], 0x66
        check   "window, byte"
        mov     edi, WINDOW + 0x1000
        mov     eax, 0xa5a5a5a5
        mov     ecx, 64
        rep     stosd
        mov     esi, WINDOW + 0x1000
        mov     edi, buffer
        mov     ecx, 64
        rep     movsd
        cmp     dword [buffer + 252], 0xa5a5a5a5
        check   "window, string"
        lock inc byte [rbx]
        cmp     byte [rbx], 0x89
        check   "window, read and write"
        ret

; EDX bit 9 of CPUID 1 -> EAX 0 or 1
cpuid_apic:
        mov     eax, 1
        cpuid
        shr     edx, 9
        and     edx, 1
        mov     eax, edx
        ret

local_apic:
        mov     ebp, APIC
        mov     eax, [rbp + 0x30]
        mov     [version], eax
        mov     dword [rbp + 0xf0], 0x1ff
        mov     dword [rbp + 0x310], 0
        mov     dword [rbp + 0x300], 0x000c4500 ; INIT to all but self
        mov     dword [rbp + 0x300], 0x000c4600 ; SIPI
        call    cpuid_apic
        cmp     eax, 1
        check   "APIC in CPUID"
        mov     ecx, APIC_BASE
        rdmsr
        mov     [base], eax
        and     eax, ~0x800
        wrmsr
        call    cpuid_apic
        cmp     eax, 0
        check   "no APIC in CPUID when it is off"
        cmp     dword [rbp + 0x30], -1
        check   "no APIC in memory when it is off"
        mov     ecx, APIC_BASE
        xor     edx, edx
        mov     eax, [base]
        wrmsr
        call    cpuid_apic
        cmp     eax, 1
        check   "APIC on again in CPUID"
        mov     eax, [version]
        cmp     [rbp + 0x30], eax
        check   "APIC on again in memory"
        mov     ecx, APIC_BASE
        xor     edx, edx
        mov     eax, [base]
        and     eax, 0xfff
        or      eax, APIC_MOVED
        wrmsr
        mov     eax, [version]
        mov     ebx, APIC_MOVED
        cmp     [rbx + 0x30], eax
        check   "APIC at another address"
        mov     eax, [base]
        wrmsr
        mov     eax, [version]
        cmp     [rbp + 0x30], eax
        check   "APIC at its place again"
        mov     eax, [base]
        or      eax, 0x400
        wrmsr
        mov     ecx, X2APIC + 1
        rdmsr
        cmp     eax, [version]
        check   "x2APIC"
        mov     ecx, APIC_BASE
        xor     edx, edx
        mov     eax, [base]
        and     eax, ~0xc00
        wrmsr
        mov     eax, [base]
        wrmsr
        mov     eax, [version]
        cmp     [rbp + 0x30], eax
        check   "xAPIC after x2APIC"
        ret

        align 4
info:     dd 0
failures: dd 0
version:  dd 0
base:     dd 0
buffer:   times 256 db 0
