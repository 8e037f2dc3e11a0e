// SPDX-License-Identifier: MIT
// Intel 8042 keyboard controller of a PS/2, with what keyboard and mouse say through it.
#pragma once

#define I8042_DATA         0x60
#define I8042_COMMAND      0x64 // read: status
#define I8042_KEYBOARD_IRQ 1
#define I8042_AUX_IRQ      12

#define I8042_STATUS_OBF      0x01
#define I8042_STATUS_IBF      0x02
#define I8042_STATUS_SYS      0x04
#define I8042_STATUS_COMMAND  0x08
#define I8042_STATUS_UNLOCKED 0x10
#define I8042_STATUS_AUX      0x20
#define I8042_STATUS_TIMEOUT  0x40
#define I8042_STATUS_PARITY   0x80

#define I8042_CTR_KEYBOARD_INT 0x01
#define I8042_CTR_AUX_INT      0x02
#define I8042_CTR_SYS          0x04
#define I8042_CTR_KEYBOARD_OFF 0x10
#define I8042_CTR_AUX_OFF      0x20
#define I8042_CTR_TRANSLATE    0x40

#define I8042_READ_RAM         0x20 // + address, 0 is the command byte (CTR)
#define I8042_WRITE_RAM        0x60 // + address
#define I8042_PASSWORD_TEST    0xa4
#define I8042_AUX_DISABLE      0xa7
#define I8042_AUX_ENABLE       0xa8
#define I8042_AUX_TEST         0xa9
#define I8042_SELF_TEST        0xaa
#define I8042_KEYBOARD_TEST    0xab
#define I8042_KEYBOARD_DISABLE 0xad
#define I8042_KEYBOARD_ENABLE  0xae
#define I8042_READ_INPUT       0xc0
#define I8042_READ_OUTPUT      0xd0
#define I8042_WRITE_OUTPUT     0xd1
#define I8042_KEYBOARD_LOOP    0xd2
#define I8042_AUX_LOOP         0xd3
#define I8042_WRITE_AUX        0xd4
#define I8042_A20_OFF          0xdd
#define I8042_A20_ON           0xdf
#define I8042_READ_TEST        0xe0
#define I8042_PULSE            0xf0 // + mask of lines that are not pulsed; bit 0 resets the CPU
#define I8042_PULSE_RESET      0xfe

#define I8042_SELF_TEST_OK   0x55
#define I8042_OUTPUT_RESET   0x01 // 0 holds the CPU in reset
#define I8042_OUTPUT_A20     0x02
#define I8042_OUTPUT_OBF     0x10
#define I8042_OUTPUT_AUX_OBF 0x20

#define PS2_ACK            0xfa
#define PS2_RESEND         0xfe
#define PS2_BAT_OK         0xaa
#define PS2_ECHO           0xee
#define PS2_SET_LEDS       0xed // keyboard
#define PS2_SET_SCAN_CODES 0xf0 // keyboard
#define PS2_IDENTIFY       0xf2
#define PS2_SET_RATE       0xf3
#define PS2_ENABLE         0xf4
#define PS2_DISABLE        0xf5
#define PS2_DEFAULTS       0xf6
#define PS2_RESET          0xff
#define PS2_BREAK          0xf0 // scan code set 2: the key was released
#define PS2_SCALE_1        0xe6 // mouse, here and below
#define PS2_SCALE_2        0xe7
#define PS2_SET_RESOLUTION 0xe8
#define PS2_STATUS         0xe9
#define PS2_STREAM         0xea
#define PS2_READ_DATA      0xeb
#define PS2_WRAP_OFF       0xec
#define PS2_WRAP           0xee
#define PS2_REMOTE         0xf0

#define PORT92       0x92
#define PORT92_RESET 0x01
#define PORT92_A20   0x02
