; SPDX-License-Identifier: MIT
; A V86 monitor as memory managers for DOS have it: the rest of the program runs in V86 mode below paging, IOPL 3; what
; faults at the monitor is reflected to the real-mode vectors, HLT and others are done for it; pages are moved. (disk: hda)
%include "boot.inc"
        mov word [60h*4], service       ; an interrupt of our own
        mov word [60h*4+2], 0
        mov eax, [10h*4]
        mov [61h*4], eax
        call pages
        mov eax, pagedir
        mov cr3, eax
        cli
        lidt [idtr]
        to_protected 8, 80000001h
bits 32
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 6000h
        mov ax, 24
        ltr ax
        push dword 0                    ; GS FS DS ES
        push dword 0
        push dword 0
        push dword 0
        push dword 0                    ; SS ESP
        push dword 7c00h
        push dword 23202h               ; VM, IOPL 3, IF
        push dword 0
        push dword inside
        iretd
bits 16
inside: mov si, .hello
        call print                      ; INT 10h is reflected
        mov ax, 0efh
        int 60h
        call hex16
        say ' '
        pushf
        pop ax
        and ax, 7202h
        call hex16
        smsw ax
        and ax, 1
        call hex16
        call newline
        mov al, [46ch]                  ; timer interrupts arrive
.tick:  hlt
        cmp al, [46ch]
        je .tick
        say 'ticks', 13, 10
        mov ax, 9000h                   ; a page of "upper memory": linear D0000h is at 200000h
        mov ax, 0d000h
        mov es, ax
        mov di, 0
        mov cx, 2048
        mov ax, 4d55h
        rep stosw
        mov eax, [es:0ffch]
        call hex32
        xor ax, ax
        mov es, ax
        say ' '
        mov ax, 0201h                   ; the BIOS reads into a page that is elsewhere
        mov cx, 1
        mov dh, 0
        mov dl, [drive]
        mov bx, 0d000h
        mov es, bx
        mov bx, 800h
        int 13h
        pushf
        call hex16
        push ds
        push es
        pop ds
        mov si, 800h
        mov cx, 512
        call checksum
        pop ds
        say ' '
        call hex32
        popf
        jnc .good
        say ' CF'
.good:  call newline
        mov ah, 2                       ; keyboard, time, memory
        int 16h
        call hex8
        mov ah, 0
        int 1ah
        int 12h
        cmp ax, [413h]
        je .12
        say 'BAD'
.12:    mov dx, 3d4h                    ; ports go through
        mov al, 0eh
        out dx, al
        in al, 61h
        and al, 3
        call hex8
        mov eax, cr0                    ; privileged: the monitor says what
        say 'done'
        cli
.end:   hlt
        jmp .end
.hello: db 'V86: ', 0
service: xchg al, ah
        iret

; identity, but linear D0000h-DFFFFh is at 200000h
pages:  mov di, pagedir
        mov cx, 2048
        xor eax, eax
        rep stosd
        mov dword [pagedir], pagetab + 7
        mov di, pagetab
        page_entries 7, 1024
        mov di, pagetab + 0d0h*4
        page_entries 200007h, 16
        mov di, idt                     ; 256 gates
        mov cx, 256
        mov eax, stubs
.gate:  mov [di], ax
        mov word [di+2], 8
        mov word [di+4], 0ee00h
        mov word [di+6], 0
        add ax, 8
        add di, 8
        loop .gate
        mov word [idt+13*8], gp
        mov dword [tss+4], 6000h
        mov dword [tss+8], 16
        mov word [tss+102], 104
        mov byte [tss+104+32+8192], 0ffh
        mov di, tss+104                 ; INT n: redirected by the processor only with VME; here all come to #GP or gates
        xor eax, eax
        mov cx, 8224/4
        rep stosd
        ret
bits 32
align 8
stubs:
%assign i 0
%rep 256
        push byte %+ (i - 128)
        jmp strict near reflect
        nop
%assign i i+1
%endrep
; A gate's interrupt from V86 mode: push FLAGS, CS, IP there and go to its vector. Stack: number, EIP CS EFL ESP SS ...
reflect: push eax
        push ebx
        push ecx
        mov ax, 16                      ; the data segments are null here
        mov ds, ax
        movsx eax, byte [esp+12]
        add eax, 128
        call vector
        pop ecx
        pop ebx
        pop eax
        add esp, 4
        iretd
; EAX the vector; the frame of the V86 task is at [esp+4+16]
vector: movzx ebx, word [esp+4+16+16]   ; SS
        shl ebx, 4
        movzx ecx, word [esp+4+16+12]   ; SP
        sub ecx, 6
        mov [esp+4+16+12], cx
        add ebx, ecx
        mov ecx, [esp+4+16+8]
        mov [ebx+4], cx
        mov cx, [esp+4+16+4]
        mov [ebx+2], cx
        mov cx, [esp+4+16]
        mov [ebx], cx
        and dword [esp+4+16+8], ~300h
        movzx ecx, word [eax*4]
        mov [esp+4+16], ecx
        movzx ecx, word [eax*4+2]
        mov [esp+4+16+4], ecx
        ret
; #GP: INT n (with IOPL 3 it comes by its gate, unless DPL < 3), HLT, MOV from CR0. Stack: error, EIP CS EFL ...
gp:     push eax
        push ebx
        push ecx
        mov ax, 16
        mov ds, ax
        movzx eax, word [esp+12+8]
        shl eax, 4
        add eax, [esp+12+4]
        mov bx, [eax]
        cmp bl, 0f4h
        je .hlt
        cmp bx, 200fh
        je .mov
        cmp bl, 0cdh
        je .int
        mov dword [0b8000h], 4f214f42h
        hlt
.hlt:   inc dword [esp+12+4]
        jmp .out
.mov:   add dword [esp+12+4], 3
        jmp .out
.int:   add dword [esp+12+4], 2
        movzx eax, bh
        call vector
.out:   pop ecx
        pop ebx
        pop eax
        add esp, 4
        iretd
align 8
gdt:    dq 0, 00cf9a000000ffffh, 00cf92000000ffffh
        dw 104+8192+32
        dw tss
        db 0, 89h, 0, 0
gdtr:   dw 31
        dd gdt
idtr:   dw 2047
        dd idt
bits 16
idt     equ 0xb000
pagedir equ 0xc000
pagetab equ 0xd000
tss     equ 0x3000
