// SPDX-License-Identifier: MIT
#include "vmm-user/devices/acpi_pm.h"
#include "pc/acpi_pm.h"

#define PM1_STATUS_BITS                                                                                                \
    (ACPI_PM1_TMR | ACPI_PM1_BM | ACPI_PM1_GBL | ACPI_PM1_PWRBTN | ACPI_PM1_SLPBTN | ACPI_PM1_RTC | ACPI_PM1_WAK)
#define PM1_ENABLE_BITS  (ACPI_PM1_TMR | ACPI_PM1_GBL | ACPI_PM1_PWRBTN | ACPI_PM1_SLPBTN | ACPI_PM1_RTC)
#define PM1_CONTROL_BITS (ACPI_PM1_CNT_BM_RLD | ACPI_PM1_CNT_TYP)

// The PM timer, not cut to 32 bits.
static uint64_t pm_ticks(const struct acpi_pm *pm, uint64_t now)
{
    return mul_div(now, ACPI_PM_TMR_HZ, pm->dev.clock->tsc_hz);
}

static uint64_t pm_now(const struct acpi_pm *pm)
{
    return pm->dev.clock->now(pm->dev.clock);
}

static void pm_sync(struct acpi_pm *pm, uint64_t now)
{
    uint64_t toggles = pm_ticks(pm, now) >> 31;
    if (toggles != pm->seen_toggles)
        pm->status |= ACPI_PM1_TMR;
    pm->seen_toggles = toggles;
}

static void pm_update(struct acpi_pm *pm)
{
    uint64_t deadline = TIMER_NEVER;
    irq_line_set(&pm->sci, pm->control & ACPI_PM1_CNT_SCI_EN && pm->status & pm->enable);
    if (pm->enable & ~pm->status & ACPI_PM1_TMR)
        deadline = mul_div((pm->seen_toggles + 1) << 31, pm->dev.clock->tsc_hz, ACPI_PM_TMR_HZ) + 1;
    if (deadline != pm->toggle.deadline)
        timer_set(pm->dev.clock, &pm->toggle, deadline);
}

static void pm_fire(struct device *dev, uint64_t now)
{
    struct acpi_pm *pm = (struct acpi_pm *)dev;
    pm_sync(pm, now);
    pm_update(pm);
}

void acpi_pm_press_button(struct acpi_pm *pm)
{
    if (!(pm->control & ACPI_PM1_CNT_SCI_EN)) {
        pm->power.request(pm->power.ctx, POWER_OFF, "power button");
        return;
    }
    pm->status |= ACPI_PM1_PWRBTN;
    pm_update(pm);
}

void acpi_pm_rtc_alarm(struct acpi_pm *pm)
{
    pm->status |= ACPI_PM1_RTC;
    pm_update(pm);
}

bool acpi_pm_wakes(struct acpi_pm *pm)
{
    if (!(pm->status & (ACPI_PM1_PWRBTN | (pm->enable & ACPI_PM1_RTC))))
        return false;
    pm->status |= ACPI_PM1_WAK;
    return true;
}

// The 16 bits at an even offset of the block.
static uint16_t pm_read_word(struct acpi_pm *pm, unsigned offset)
{
    switch (offset) {
    case ACPI_PM1_STS:
        pm_sync(pm, pm_now(pm));
        return pm->status;
    case ACPI_PM1_EN:
        return pm->enable;
    case ACPI_PM1_CNT:
        return pm->control;
    case ACPI_GPE0_EN:
        return pm->gpe_enable;
    default:
        return 0;
    }
}

static void pm_write_control(struct acpi_pm *pm, uint16_t value)
{
    pm->control = (value & PM1_CONTROL_BITS) | (pm->control & ACPI_PM1_CNT_SCI_EN);
    unsigned type = (value & ACPI_PM1_CNT_TYP) >> ACPI_PM1_CNT_TYP_SHIFT;
    if (value & ACPI_PM1_CNT_SLP_EN && type == ACPI_SLP_TYP_S5)
        pm->power.request(pm->power.ctx, POWER_OFF, "power off");
    if (value & ACPI_PM1_CNT_SLP_EN && type == ACPI_SLP_TYP_S3)
        pm->power.request(pm->power.ctx, POWER_SLEEP, NULL);
}

// `mask` says which bits of the word the guest writes.
static void pm_write_word(struct acpi_pm *pm, unsigned offset, uint16_t value, uint16_t mask)
{
    pm_sync(pm, pm_now(pm));
    switch (offset) {
    case ACPI_PM1_STS:
        pm->status &= ~(value & mask);
        break;
    case ACPI_PM1_EN:
        pm->enable = ((pm->enable & ~mask) | (value & mask)) & PM1_ENABLE_BITS;
        break;
    case ACPI_PM1_CNT:
        pm_write_control(pm, (pm->control & ~mask) | (value & mask));
        break;
    case ACPI_GPE0_EN:
        pm->gpe_enable = (pm->gpe_enable & ~mask) | (value & mask);
        break;
    }
    pm_update(pm);
}

static void smi_command(struct acpi_pm *pm, uint8_t value)
{
    pm->smi_command = value;
    if (value == ACPI_SMI_ENABLE)
        pm->control |= ACPI_PM1_CNT_SCI_EN;
    else if (value == ACPI_SMI_DISABLE)
        pm->control &= ~ACPI_PM1_CNT_SCI_EN;
    pm_update(pm);
}

static uint64_t pm_read(struct device *dev, enum io_space space, uint64_t port, unsigned size)
{
    (void)space;
    struct acpi_pm *pm = (struct acpi_pm *)dev;
    unsigned offset = (unsigned)port - pm->base;
    if (offset - ACPI_PM_TMR < 4)
        return (uint32_t)pm_ticks(pm, pm_now(pm)) >> 8 * (offset - ACPI_PM_TMR);
    if (port == ACPI_SMI_CMD)
        return pm->smi_command;
    if (port == ACPI_SMI_DATA)
        return pm->smi_data;
    uint64_t value = pm_read_word(pm, offset & ~1u);
    if (size == 4 && !(offset & 1))
        value |= (uint64_t)pm_read_word(pm, offset + 2) << 16;
    return value >> 8 * (offset & 1);
}

static void pm_write(struct device *dev, enum io_space space, uint64_t port, unsigned size, uint64_t value)
{
    (void)space;
    struct acpi_pm *pm = (struct acpi_pm *)dev;
    unsigned offset = (unsigned)port - pm->base;
    if (port == ACPI_SMI_CMD) {
        smi_command(pm, (uint8_t)value);
    } else if (port == ACPI_SMI_DATA) {
        pm->smi_data = (uint8_t)value;
    } else if (size == 1) {
        unsigned shift = 8 * (offset & 1);
        pm_write_word(pm, offset & ~1u, (uint16_t)((value & 0xff) << shift), (uint16_t)(0xff << shift));
    } else if (!(offset & 1)) {
        pm_write_word(pm, offset, (uint16_t)value, 0xffff);
        if (size == 4)
            pm_write_word(pm, offset + 2, (uint16_t)(value >> 16), 0xffff);
    }
}

static void pm_reset(struct device *dev)
{
    struct acpi_pm *pm = (struct acpi_pm *)dev;
    pm->status = pm->enable = pm->control = pm->gpe_enable = 0;
    pm->smi_command = pm->smi_data = 0;
    pm->seen_toggles = pm_ticks(pm, pm_now(pm)) >> 31;
    pm_update(pm);
}

static void pm_state(struct device *dev, struct state *s)
{
    struct acpi_pm *pm = (struct acpi_pm *)dev;
    STATE(s, pm->status);
    STATE(s, pm->enable);
    STATE(s, pm->control);
    STATE(s, pm->gpe_enable);
    STATE(s, pm->smi_command);
    STATE(s, pm->smi_data);
    STATE(s, pm->seen_toggles);
}

static bool pm_loaded(struct device *dev)
{
    struct acpi_pm *pm = (struct acpi_pm *)dev;
    pm->status &= PM1_STATUS_BITS;
    pm->enable &= PM1_ENABLE_BITS;
    pm->control &= PM1_CONTROL_BITS | ACPI_PM1_CNT_SCI_EN;
    pm_update(pm);
    return pm->seen_toggles <= UINT32_MAX;
}

static const struct device_ops pm_ops = {
    .name = "acpi-pm",
    .read = pm_read,
    .write = pm_write,
    .reset = pm_reset,
    .version = 1,
    .state = pm_state,
    .loaded = pm_loaded,
    .max_size = 4,
};

void acpi_pm_init(struct acpi_pm *pm, struct clock *clock, uint16_t base, struct irq_line sci,
                  struct power_backend power)
{
    *pm = (struct acpi_pm){.base = base, .sci = sci, .power = power};
    device_init(&pm->dev, &pm_ops, clock);
    device_add_range(&pm->dev, IO_PORT, base, ACPI_PM_SIZE);
    device_add_range(&pm->dev, IO_PORT, ACPI_SMI_CMD, 2);
    timer_register(clock, &pm->toggle, &pm->dev, pm_fire);
    pm_reset(&pm->dev);
}
