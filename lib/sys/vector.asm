; SPDX-License-Identifier: MIT
; The functions of guests/tiny/vector.inc for C, for who may use vector registers (EC_FPU).
global vector_level, vector_fill, vector_check, vector_is_reset
section .text
%include "guests/tiny/vector.inc"
section .note.GNU-stack noalloc noexec nowrite progbits
