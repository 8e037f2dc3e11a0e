; SPDX-License-Identifier: MIT
; An ELF file with a PVH entry and a segment at 4 KiB, where loaders like to put their own tables. Exit code: 0 if the start
; information, its map, command line and module are there and the segment is whole.
        bits 32
        org 0x1000

COM1      equ 0x3f8
EXIT_PORT equ 0xf4

image:  db      0x7f, "ELF", 1, 1, 1, 0
        dq      0
        dw      2, 3                    ; executable, 386
        dd      1, 0, headers - image, 0, 0
        dw      52, 32, 2, 0, 0, 0
headers:
        dd      1, 0, image, image, end - image, 0x20000, 7, 0x1000 ; load
        dd      4, note - image, note, note, note_end - note, 0, 4, 4 ; note
note:   dd      4, 4, 18
        db      "Xen", 0
        dd      entry
note_end:

entry:  mov     esp, stack
        mov     edi, 1
        cmp     dword [ebx], 0x336ec578
        jne     fail
        inc     edi
        cmp     dword [ebx + 12], 1     ; one module
        jne     fail
        mov     ecx, [ebx + 16]
        mov     eax, [ecx]
        inc     edi
        cmp     dword [eax], "modu"
        jne     fail
        inc     edi
        mov     eax, [ebx + 24]         ; command line
        cmp     dword [eax], "word"
        jne     fail
        inc     edi
        mov     eax, [ebx + 32]         ; RSDP
        cmp     dword [eax], "RSD "
        jne     fail
        inc     edi
        cmp     dword [ebx + 48], 3     ; entries of the map
        jb      fail
        inc     edi
        cmp     dword [zeros], 0        ; not in the file, and nobody's
        jne     fail
        cmp     dword [zeros + 0x18000], 0
        jne     fail
        inc     edi
        lgdt    [gdt_pointer]
        jmp     8:.flat
.flat:  mov     eax, 16
        mov     ds, eax
        mov     esi, text
.put:   lodsb
        test    al, al
        jz      .good
        mov     dx, COM1
        out     dx, al
        jmp     .put
.good:  xor     edi, edi
fail:   mov     eax, edi
        mov     dx, EXIT_PORT
        out     dx, eax
.halt:  cli
        hlt
        jmp     .halt
text:   db      "entered by PVH", 13, 10, 0
        align 8
gdt:    dq      0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
        dw      23
        dd      gdt
end:
zeros   equ image + 0x2000
stack   equ image + 0x1000
