// SPDX-License-Identifier: MIT
// What an ATAPI CD drive tells about itself and its disc. MMC-3, clause 6.
#include "vmm-user/devices/atapi_parts.h"

#define LEAD_OUT   0xaa
#define PROFILE_CD 0x0008
#define TRACK_DATA 0x14 // ADR 1, control 4: data, digital copy prohibited

static void msf_put(uint8_t *p, uint32_t lba)
{
    lba += CD_MSF_OFFSET;
    p[0] = (uint8_t)(lba / (75 * 60));
    p[1] = (uint8_t)(lba / 75 % 60);
    p[2] = (uint8_t)(lba % 75);
}

static void toc_address(uint8_t *out, bool msf, uint32_t lba)
{
    if (msf)
        msf_put(out + 1, lba);
    else
        big_put(out, 4, lba);
}

static unsigned toc_entry(uint8_t *out, uint8_t track, bool msf, uint32_t lba)
{
    out[1] = TRACK_DATA;
    out[2] = track;
    toc_address(out + 4, msf, lba);
    return 8;
}

// Format 2: A0, A1, A2 and the track, eleven bytes each.
static unsigned raw_toc(struct ide_channel *ch)
{
    static const uint8_t points[4] = {0xa0, 0xa1, 0xa2, 1};
    uint8_t *out = ch->buffer + 4;
    for (unsigned i = 0; i < 4; i++, out += 11) {
        out[0] = 1; // session
        out[1] = TRACK_DATA;
        out[3] = points[i];
        if (i < 2)
            out[8] = 1; // first, last track
        else
            msf_put(out + 8, i == 2 ? disc_sectors(ide_selected(ch)) : 0);
    }
    return 4 + 4 * 11;
}

enum sense atapi_read_toc(struct ide_channel *ch, const uint8_t *packet)
{
    uint8_t format = packet[2] & 15 ? packet[2] & 15 : packet[9] >> 6, first = packet[6];
    bool msf = packet[1] & 2;
    uint8_t *out = ch->buffer;
    unsigned n = 4;
    out[2] = out[3] = 1; // first and last track or session
    switch (format) {
    case 0:
        if (first > 1 && first != LEAD_OUT)
            return SENSE_BAD_FIELD;
        if (first <= 1)
            n += toc_entry(out + n, 1, msf, 0);
        n += toc_entry(out + n, LEAD_OUT, msf, disc_sectors(ide_selected(ch)));
        break;
    case 1:
        n += toc_entry(out + n, 1, msf, 0);
        break;
    case 2:
        n = raw_toc(ch);
        break;
    default:
        return SENSE_BAD_FIELD;
    }
    big_put(out, 2, n - 2);
    atapi_reply(ch, n, big16(packet + 7));
    return SENSE_NONE;
}

static unsigned error_page(uint8_t *out)
{
    out[0] = 0x01;
    out[1] = 6;
    out[3] = 5; // retries
    return 8;
}

static unsigned capabilities_page(uint8_t *out)
{
    out[0] = 0x2a;
    out[1] = 0x12;
    out[2] = 0x03; // reads CD-R, CD-RW
    out[4] = 0x70; // mode 2 forms 1 and 2, multisession
    out[5] = 0x00;
    out[6] = 0x29;            // tray, eject, lock
    big_put(out + 8, 2, 706); // kB/s
    big_put(out + 12, 2, IDE_BUFFER / 1024);
    big_put(out + 14, 2, 706);
    return 20;
}

enum sense atapi_mode_sense(struct ide_channel *ch, const uint8_t *packet)
{
    bool six = packet[0] == GPCMD_MODE_SENSE_6;
    uint8_t page = packet[2] & 0x3f, *out = ch->buffer;
    unsigned header = six ? 4 : 8, n = header;
    if (packet[2] >> 6 == 3) // saved values
        return SENSE_BAD_FIELD;
    if (page == 0x01 || page == 0x3f)
        n += error_page(out + n);
    if (page == 0x2a || page == 0x3f)
        n += capabilities_page(out + n);
    if (n == header)
        return SENSE_BAD_FIELD;
    uint8_t medium = block_present(ide_selected(ch)->media) ? 0x01 : 0x70; // data disc, or none
    if (six) {
        out[0] = (uint8_t)(n - 1);
        out[1] = medium;
    } else {
        big_put(out, 2, n - 2);
        out[2] = medium;
    }
    atapi_reply(ch, n, six ? packet[4] : big16(packet + 7));
    return SENSE_NONE;
}

static unsigned feature(uint8_t *out, uint16_t code, uint8_t flags, uint8_t bytes)
{
    big_put(out, 2, code);
    out[2] = flags;
    out[3] = bytes;
    return 4u + bytes;
}

enum sense atapi_get_configuration(struct ide_channel *ch, const uint8_t *packet)
{
    uint8_t *out = ch->buffer;
    bool disc = block_present(ide_selected(ch)->media);
    unsigned n = 8, start = big16(packet + 2), type = packet[1] & 3;
    static const struct {
        uint16_t code;
        uint8_t flags, bytes, data[8];
    } features[] = {
        {0x0000, 0x03, 4, {0, PROFILE_CD, 0, 0}},                 // profiles; byte 2 says whether current
        {0x0001, 0x0b, 8, {0, 0, 0, 2, 1, 0, 0, 0}},              // core: ATAPI
        {0x0002, 0x07, 4, {2, 0, 0, 0}},                          // media events
        {0x0003, 0x03, 4, {0x29, 0, 0, 0}},                       // removable, tray
        {0x0010, 0x00, 8, {0, 0, CD_SECTOR >> 8, 0, 0, 1, 0, 0}}, // random readable
        {0x001e, 0x08, 4, {0, 0, 0, 0}},                          // CD read
    };
    for (unsigned i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        bool current = features[i].flags & 1 || disc,
             wanted = type == 2 ? features[i].code == start : features[i].code >= start;
        if (!wanted || (type == 1 && !current))
            continue;
        unsigned size =
            feature(out + n, features[i].code, (uint8_t)(features[i].flags & ~1u) | current, features[i].bytes);
        __builtin_memcpy(out + n + 4, features[i].data, features[i].bytes);
        if (features[i].code == 0)
            out[n + 4 + 2] = disc;
        n += size;
    }
    big_put(out, 4, n - 4);
    big_put(out + 6, 2, disc ? PROFILE_CD : 0);
    atapi_reply(ch, n, big16(packet + 7));
    return SENSE_NONE;
}

enum sense atapi_event_status(struct ide_channel *ch, const uint8_t *packet)
{
    struct ide_drive *d = ide_selected(ch);
    uint8_t *out = ch->buffer;
    if (!(packet[1] & 1)) // only polling
        return SENSE_BAD_FIELD;
    out[3] = 0x10; // events there are: media
    if (!(packet[4] & 0x10)) {
        big_put(out, 2, 2);
        out[2] = 0x80;
        atapi_reply(ch, 4, big16(packet + 7));
        return SENSE_NONE;
    }
    big_put(out, 2, 6);
    out[2] = 0x04;
    out[4] = d->attention && block_present(d->media) ? 2 : 0; // new medium
    out[5] = block_present(d->media) ? 2 : 0;
    atapi_reply(ch, 8, big16(packet + 7));
    return SENSE_NONE;
}

enum sense atapi_disc_info(struct ide_channel *ch, const uint8_t *packet)
{
    uint8_t *out = ch->buffer;
    if (packet[1] & 7)
        return SENSE_BAD_FIELD;
    big_put(out, 2, 32);
    out[2] = 0x0e; // complete, last session complete
    out[3] = out[4] = out[5] = out[6] = 1;
    out[7] = 0x20; // unrestricted use
    atapi_reply(ch, 34, big16(packet + 7));
    return SENSE_NONE;
}

enum sense atapi_track_info(struct ide_channel *ch, const uint8_t *packet)
{
    uint8_t *out = ch->buffer;
    uint32_t sectors = disc_sectors(ide_selected(ch)), address = big32(packet + 2);
    bool ok = (packet[1] & 3) == 0 ? address < sectors : address == 1;
    if (!ok)
        return SENSE_BAD_FIELD;
    big_put(out, 2, 34);
    out[2] = out[3] = 1;
    out[5] = 0x04; // data
    out[6] = 0x01; // mode 1
    big_put(out + 24, 4, sectors);
    atapi_reply(ch, 36, big16(packet + 7));
    return SENSE_NONE;
}

enum sense atapi_mechanism(struct ide_channel *ch, const uint8_t *packet)
{
    ch->buffer[5] = 1;
    atapi_reply(ch, 8, big16(packet + 8));
    return SENSE_NONE;
}

enum sense atapi_subchannel(struct ide_channel *ch, const uint8_t *packet)
{
    ch->buffer[1] = 0x15; // no audio status to return
    if (packet[2] & 0x40) {
        ch->buffer[3] = 12;
        ch->buffer[4] = packet[3];
        atapi_reply(ch, 16, big16(packet + 7));
        return SENSE_NONE;
    }
    atapi_reply(ch, 4, big16(packet + 7));
    return SENSE_NONE;
}
