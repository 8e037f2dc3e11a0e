// SPDX-License-Identifier: MIT
// What the two files of the ATAPI drive share.
#pragma once
#include "vmm-user/devices/ide_parts.h"
#include <linux/cdrom.h>

#define CD_SECTOR          2048
#define CD_MSF_OFFSET      150  // frames before LBA 0
#define GPCMD_MODE_SENSE_6 0x1a // not in linux/cdrom.h

// Sense key in the high byte, additional code in the low one.
enum sense {
    SENSE_NONE = 0,
    SENSE_NO_MEDIUM = 0x023a,
    SENSE_READ_ERROR = 0x0311,
    SENSE_BAD_COMMAND = 0x0520,
    SENSE_BAD_LBA = 0x0521,
    SENSE_BAD_FIELD = 0x0524,
    SENSE_CHANGED = 0x0628,
};

// A command: the packet is a copy; the reply is built in the buffer, which is zeroed. Returns what is wrong, or has
// ended the command itself.
typedef enum sense packet_handler(struct ide_channel *ch, const uint8_t *packet);

packet_handler atapi_read_toc;
packet_handler atapi_mode_sense;
packet_handler atapi_get_configuration;
packet_handler atapi_event_status;
packet_handler atapi_disc_info;
packet_handler atapi_track_info;
packet_handler atapi_mechanism;
packet_handler atapi_subchannel;

// Sends what the buffer holds, as much of it as the host allows.
void atapi_reply(struct ide_channel *ch, uint32_t bytes, uint32_t allowed);

static inline uint32_t big16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t big32(const uint8_t *p)
{
    return big16(p) << 16 | big16(p + 2);
}

static inline void big_put(uint8_t *p, unsigned bytes, uint32_t value)
{
    while (bytes--) {
        p[bytes] = (uint8_t)value;
        value >>= 8;
    }
}

static inline uint32_t disc_sectors(const struct ide_drive *d)
{
    return d->media->sectors > UINT32_MAX - CD_MSF_OFFSET ? UINT32_MAX - CD_MSF_OFFSET : (uint32_t)d->media->sectors;
}
