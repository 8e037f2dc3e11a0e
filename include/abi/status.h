// SPDX-License-Identifier: MIT
// Result of every hypercall, in RAX.
#pragma once

// X(name, value, meaning)
#define STATUS_LIST(X)                                                                                                 \
    X(ST_OK, 0, "done")                                                                                                \
    X(ST_TIMEOUT, 1, "the deadline passed first")                                                                      \
    X(ST_ABORTED, 2, "the partner or the object died during the operation")                                            \
    X(ST_BAD_HYP, 3, "no such hypercall or operation")                                                                 \
    X(ST_BAD_CAP, 4, "the selector holds no capability of that type or with that permission")                          \
    X(ST_BAD_PAR, 5, "an argument is out of range or not aligned")                                                     \
    X(ST_BAD_FTR, 6, "the machine lacks that feature")                                                                 \
    X(ST_BAD_CPU, 7, "no such CPU, or the object is bound to another")                                                 \
    X(ST_BAD_DEV, 8, "no such interrupt")                                                                              \
    X(ST_NO_MEM, 9, "the kernel-memory account is exhausted")                                                          \
    X(ST_IN_USE, 10, "the selector, address or object is in use")                                                      \
    X(ST_AGAIN, 11, "part of the work is done: repeat the call to continue")                                           \
    X(ST_OVERFLOW, 12, "the counter would overflow")

enum status {
#define STATUS_ENUM(name, value, meaning) name = value,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};
