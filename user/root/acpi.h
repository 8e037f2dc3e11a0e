// SPDX-License-Identifier: MIT
// What root wants of the firmware's ACPI tables: how to switch the machine off and how to reset it
// (ACPI 6.4, 4.8.3, 5.2.9, 7.4.2).
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Copy physical memory; false when it cannot be read.
struct acpi_reader {
    bool (*read)(void *ctx, uint64_t phys, void *to, uint32_t bytes);
    void *ctx;
};

struct acpi_power {
    bool can_sleep;
    uint16_t pm1a_cnt, pm1b_cnt;  // ports; 0 = none
    uint8_t slp_typ_a, slp_typ_b; // for S5
    uint16_t smi_cmd;             // port to switch ACPI mode on, 0 = it is on
    uint8_t acpi_enable;
    bool can_reset; // by a port
    uint16_t reset_port;
    uint8_t reset_value;
};

void acpi_power_find(const struct acpi_reader *r, const void *rsdp, struct acpi_power *out);

// \_S5 in AML: Name (_S5, Package () {a, b, ...}) with small integers.
bool acpi_s5_parse(const uint8_t *aml, uint32_t size, uint8_t *a, uint8_t *b);
