; SPDX-License-Identifier: MIT
; The first page of the file that flat.py makes for QEMU's -kernel: a Multiboot 1 header, and what turns QEMU's Multiboot 1
; information into the tags that only the running machine knows. Everything else lies in memory as the kernel wants it already.
        bits 32

MB1_MAGIC   equ 0x1badb002
MB1_FLAGS   equ 0x10000                 ; the addresses below count
MB2_LOADED  equ 0x36d76289
BASE        equ 0x100000
KERNEL      equ 0x200000                ; its first byte: the fixed tags end below
MBI_MMAP    equ 44                      ; Multiboot 1: length and address of the memory map
TAG_MMAP    equ 6
TAG_RSDP    equ 14
RSDP_SIZE   equ 20
ENTRY_SIZE  equ 24                      ; in a tag of Multiboot 2

        org BASE
        dd      MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS) & 0xffffffff
        dd      BASE, BASE, 0, 0, start ; header, load, to the end of the file, no bss, entry
        times   0x40 - ($ - $$) db 0
entry:  dd      0                       ; flat.py: where the kernel starts
tags:   dd      0                       ; and the end of the fixed tags at INFO, where ours follow
INFO    equ     BASE + 0x1000           ; size, reserved, tags

start:
        cld
        mov     ebp, ebx                ; the Multiboot 1 information
        mov     edi, [tags]
        mov     esi, 0xe0000            ; the root pointer of ACPI
.scan:  cmp     dword [esi], 'RSD '
        jne     .next
        cmp     dword [esi + 4], 'PTR '
        je      .found
.next:  add     esi, 16
        cmp     esi, BASE
        jb      .scan
        jmp     .map
.found: mov     eax, TAG_RSDP
        stosd
        mov     eax, 8 + RSDP_SIZE
        stosd
        mov     ecx, RSDP_SIZE
        rep     movsb
        add     edi, 7
        and     edi, -8

.map:   mov     ebx, edi                ; the tag
        mov     edx, [ebp + MBI_MMAP]
        mov     ebp, [ebp + MBI_MMAP + 4]
        add     edx, ebp
        mov     dword [edi], TAG_MMAP
        mov     dword [edi + 8], ENTRY_SIZE
        mov     dword [edi + 12], 0
        add     edi, 16
.entry: cmp     ebp, edx
        jae     .end
        lea     esi, [ebp + 4]
        mov     ecx, 5                  ; base, size, type
        rep     movsd
        xor     eax, eax
        stosd
        add     ebp, [ebp]
        add     ebp, 4
        jmp     .entry
.end:   mov     eax, edi
        sub     eax, ebx
        mov     [ebx + 4], eax
        xor     eax, eax                ; the end tag
        stosd
        mov     al, 8
        stosd
        sub     edi, INFO
        mov     [INFO], edi
        mov     eax, MB2_LOADED
        mov     ebx, INFO
        jmp     [entry]
        times   0x1000 - ($ - $$) db 0
