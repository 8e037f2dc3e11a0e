// SPDX-License-Identifier: MIT
// What the two files of the floppy controller share.
#pragma once
#include "vmm-user/devices/floppy82077.h"
#include <linux/fdreg.h>

// Begins the result phase.
void floppy_result(struct floppy *f, const uint8_t *bytes, unsigned count, bool interrupt);

// The work of commands that move data; the command is in f->bytes. Each ends with floppy_result.
void floppy_read(struct floppy *f);
void floppy_write(struct floppy *f);
void floppy_verify(struct floppy *f);
void floppy_read_id(struct floppy *f);
void floppy_format_track(struct floppy *f);
