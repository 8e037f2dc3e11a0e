// SPDX-License-Identifier: MIT
// ACPI fixed hardware: PM1 events and control, PM timer, an empty GPE block, the SMI command port. ACPI 6.4, 4.8.3.
#pragma once
#include "vmm-user/device.h"

struct acpi_pm {
    struct device dev;
    struct dev_timer toggle; // bit 31 of the PM timer changes
    struct irq_line sci;
    struct power_backend power;
    uint16_t base;
    uint16_t status, enable, control;
    uint16_t gpe_enable;
    uint8_t smi_command, smi_data;
    uint64_t seen_toggles; // changes of bit 31 that TMR_STS has told
};

void acpi_pm_init(struct acpi_pm *pm, struct clock *clock, uint16_t base, struct irq_line sci,
                  struct power_backend power);

// A person pressed the button. A guest without ACPI loses its power at once.
void acpi_pm_press_button(struct acpi_pm *pm);

// The RTC interrupts: a guest that sleeps with the alarm as its wake-up event takes note of it here.
void acpi_pm_rtc_alarm(struct acpi_pm *pm);

// Does a guest that sleeps wake up? Then it also finds that it did (WAK_STS). By the button always, else as enabled.
bool acpi_pm_wakes(struct acpi_pm *pm);
