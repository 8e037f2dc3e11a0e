// SPDX-License-Identifier: MIT
// Numbers and operations of the hypercalls.
#pragma once

enum hypercall {
#define HYPERCALL(number, name, ...) HC_##name = number,
#include "abi/hypercalls.def"
#undef HYPERCALL
    HC_COUNT
};

enum ec_type {
    EC_LOCAL = 0,   // runs when a portal bound to it is called, on the caller's SC
    EC_GLOBAL = 1,  // a thread: needs an SC
    EC_VCPU = 2,    // a guest vCPU: needs an SC; starts with an EVENT_STARTUP exit
    EC_FPU = 1 << 4 // flag of the first two, by PD_OBJ and PD_SC: may use vector registers, whose state the PD pays
                    // for. Others get #NM
};

// ctrl_pd. `arg` of map and copy: count | rights << 56 (for PD_MAP_*: pages or ports, MAP_*; for PD_COPY: capabilities,
// permission mask). A call that did only a part returns ST_AGAIN and in RSI how many it did.
enum pd_op {
    PD_COPY, // src object space [src_base, +count) -> dst [dst_base, ...); slots empty in src are skipped; used slots
             // in dst are ST_IN_USE
    PD_MAP_MEM,   // src host space -> dst host space; addresses in bytes, page aligned; replaces nothing: ST_IN_USE
    PD_MAP_GST,   // src host space -> dst guest space
    PD_MAP_PIO,   // src port space -> dst port space
    PD_UNMAP_OBJ, // drop the capabilities of dst [dst_base, +count)
    PD_UNMAP_MEM, // and so on; returns after no CPU can use the mapping any more
    PD_UNMAP_GST,
    PD_UNMAP_PIO,
    PD_DESTROY, // stop and free everything charged to dst; ST_AGAIN until done. The capability to the empty PD stays
    PD_QUERY,   // value: arg 0 = pages of the account in use, 1 = its limit
    PD_OP_COUNT
};
enum ec_op { EC_RECALL, EC_OP_COUNT };
enum sc_op { SC_TIME, SC_OP_COUNT };
enum pt_op { PT_SET_MTD, PT_OP_COUNT };
enum sm_op {
    SM_OP_UP,
    SM_OP_DOWN,
    SM_OP_TAKE_ALL,
    SM_OP_COUNT
}; // take-all sets the counter to 0 and returns what it was
enum hw_op {
    HW_FREE_PAGES, // value: free pages of the kernel's pool
    HW_CONSOLE,    // from now on the kernel writes its log to memory only (a panic still writes to the serial port)
    HW_CPU_IDLE,   // arg = cpu; value = TSC ticks that it was idle
    HW_OP_COUNT
};
enum int_flag { INT_LEVEL = 1, INT_ACTIVE_LOW = 2 };
