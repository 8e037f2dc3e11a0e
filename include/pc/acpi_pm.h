// SPDX-License-Identifier: MIT
// ACPI fixed hardware (ACPI 6.4, 4.8.3) and where this machine has it. The FADT and DSDT must say the same.
#pragma once

#define ACPI_PM_BASE     0x600
#define ACPI_PM_SIZE     0x40
#define ACPI_PM1_STS     0x00 // offsets from the base
#define ACPI_PM1_EN      0x02
#define ACPI_PM1_CNT     0x04
#define ACPI_PM_TMR      0x08
#define ACPI_GPE0_STS    0x20
#define ACPI_GPE0_EN     0x22
#define ACPI_GPE0_LENGTH 4
#define ACPI_SCI_IRQ     9
#define ACPI_PM_TMR_HZ   3579545

#define ACPI_PM1_TMR    0x0001 // status and enable bits
#define ACPI_PM1_BM     0x0010
#define ACPI_PM1_GBL    0x0020
#define ACPI_PM1_PWRBTN 0x0100
#define ACPI_PM1_SLPBTN 0x0200
#define ACPI_PM1_RTC    0x0400
#define ACPI_PM1_WAK    0x8000

#define ACPI_PM1_CNT_SCI_EN    0x0001
#define ACPI_PM1_CNT_BM_RLD    0x0002
#define ACPI_PM1_CNT_GBL_RLS   0x0004
#define ACPI_PM1_CNT_TYP_SHIFT 10
#define ACPI_PM1_CNT_TYP       0x1c00
#define ACPI_PM1_CNT_SLP_EN    0x2000
#define ACPI_SLP_TYP_S3        1 // \_S3 in the DSDT, as QEMU has it
#define ACPI_SLP_TYP_S5        5 // \_S5

#define ACPI_FACS      0x9ffc0 // in RAM that guests may write: at the end of the EBDA
#define ACPI_FACS_SIZE 64

#define ACPI_SMI_CMD     0xb2
#define ACPI_SMI_DATA    0xb3
#define ACPI_SMI_ENABLE  0xa1 // written to SMI_CMD: sets SCI_EN
#define ACPI_SMI_DISABLE 0xa0

#define RESET_PORT      0xcf9
#define RESET_PORT_SYS  0x02 // hard reset when RST_CPU rises
#define RESET_PORT_CPU  0x04
#define RESET_PORT_FULL 0x08
