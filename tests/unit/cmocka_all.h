// SPDX-License-Identifier: MIT
// cmocka with the standard headers that it wants included before it.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
