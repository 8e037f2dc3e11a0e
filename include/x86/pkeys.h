// SPDX-License-Identifier: MIT
// Protection keys (SDM 3A 4.6.2).
#pragma once

#define PF_KEY        (1u << 5) // of the #PF error code
#define PTE_KEY_SHIFT 59
#define PKRU_AD       1u // two bits per key: access disabled,
#define PKRU_WD       2u // write disabled
