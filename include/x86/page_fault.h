// SPDX-License-Identifier: GPL-2.0-only
// The #PF error code (SDM 3A 4.7) and protection keys (4.6.2).
#pragma once

#define PF_PRESENT  (1u << 0)
#define PF_WRITE    (1u << 1)
#define PF_USER     (1u << 2)
#define PF_RESERVED (1u << 3)
#define PF_FETCH    (1u << 4)
#define PF_KEY      (1u << 5)

#define PTE_KEY_SHIFT 59
#define PKRU_AD       1u // two bits per key: access disabled,
#define PKRU_WD       2u // write disabled
