; SPDX-License-Identifier: MIT
; A guest that ends by a triple fault: a breakpoint without an interrupt table.
        %include "start.inc"

main:   lidt    [.none]
        int3
        ret
.none:  dw      0
        dq      0
