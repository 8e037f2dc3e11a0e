// SPDX-License-Identifier: MIT
#pragma once

int main(void);                    // the program's own; what it returns goes to root_exit
_Noreturn void process_main(void); // called by crt0
