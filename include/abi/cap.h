// SPDX-License-Identifier: MIT
// Capabilities: a selector indexes the process's object space; a capability is (object, permissions).
#pragma once

#define CAP_SELECTORS (1ul << 18) // selectors of one object space

// Permission bits; their meaning depends on the object's type.
#define PERM_ALL 0x1f
enum pd_perm {
    PD_OBJ =
        1 << 0, // change the object space (as destination), copy from it (as source); create objects charged to the PD
    PD_MEM = 1 << 1,  // change or read the host-memory and port spaces
    PD_GST = 1 << 2,  // change the guest space
    PD_SC = 1 << 3,   // create scheduling contexts, and ECs that may use vector registers
    PD_CTRL = 1 << 4, // create child PDs from its account, destroy, query
};
enum ec_perm { EC_CTRL = 1 << 0, EC_BIND_PT = 1 << 1, EC_BIND_SC = 1 << 2 };
enum sc_perm { SC_CTRL = 1 << 0 };
enum pt_perm { PT_CTRL = 1 << 0, PT_CALL = 1 << 1 };
enum sm_perm { SM_UP = 1 << 0, SM_DOWN = 1 << 1, SM_ASSIGN = 1 << 2 };

// What the first process (root) finds in its object space.
enum root_selector {
    SEL_HW = 0,      // the machine: a PD whose memory and port spaces are the physical ones, less what the kernel keeps
    SEL_SELF_PD = 1, // its own PD: all permissions. Every process has its own PD here, with what its creator gave
    SEL_SELF_EC = 2,
    SEL_SELF_SC = 3,
    SEL_FREE = 16, // first selector that is free in root
};

// Spaces of a PD, and memory rights and types for mappings.
enum space { SPACE_OBJ, SPACE_MEM, SPACE_PIO, SPACE_GST };
#define MAP_R  (1u << 0)
#define MAP_W  (1u << 1)
#define MAP_X  (1u << 2)
#define MAP_UC (1u << 3) // uncached; only from SEL_HW
#define MAP_WC (1u << 4) // write combining; only from SEL_HW
