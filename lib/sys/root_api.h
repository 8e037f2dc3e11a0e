// SPDX-License-Identifier: MIT
// The services of root. A client calls portal SEL_ROOT + its CPU with words[0] = operation; words[0] of the answer is
// an enum root_error, then results. Root never calls its clients and never waits for them: what it has to tell, it
// leaves to be fetched and ups the client's SEL_MAIN_SM.
#pragma once
#include <stdint.h>

#define NAME_MAX_LEN 56 // bytes of a file or process name, 0-terminated within 7 words

enum root_error {
    ROOT_OK,
    ROOT_BAD,    // an argument is wrong
    ROOT_DENIED, // not for this process
    ROOT_NO_MEMORY,
    ROOT_NOT_FOUND,
    ROOT_LIMIT,  // this process has as many as it may
    ROOT_KERNEL, // the kernel refused: most often its memory for this process is used up
    ROOT_AGAIN,  // a part is done (memory is being zeroed): the same call again. The stubs of lib/sys/root.h do that
    ROOT_ERRORS
};

// Who may: A = any process, V = VMM, S = shell, C = console.
enum root_op {
    // A: memory of the caller. [1] virtual address (page or 2M aligned), [2] bytes, [3] enum mem_flag. Zeroed,
    // naturally aligned extents.
    ROOT_MEM_ALLOC = 1,
    ROOT_MEM_FREE,  // A: [1] address as allocated: the whole allocation. A VMM's memory could be mapped in its guest:
                    // others get it when the VMM has ended
    ROOT_FILE_INFO, // A: [1] index -> [1] size in bytes, [2..8] name; ROOT_NOT_FOUND past the end
    ROOT_FILE_MAP,  // A: [1] virtual address, [2..8] name -> [1] size. Maps a boot file read-only (pages zero-padded)
    ROOT_THREAD, // A: [1] selector of an EC the caller created (global or vCPU), [2] 0 = service priority class of the
                 // process, 1 = background: root makes its SC
    ROOT_EXIT, // A: [1] code, [2..] reason text up to 200 bytes: the process ends (a VMM: its VM shows as stopped with
               // that reason)
    ROOT_LOG,  // A: [1..] text, 0-terminated, up to 400 bytes: one line in the system's log "name: text"
    ROOT_VM_STATE, // V: [1] enum vm_state, [2..] text up to 200 bytes: what `vm list` shows and one log line when it
                   // stopped
    // Channels: one shared page pair of byte rings and a semaphore at each end (channel.h).
    ROOT_CHANNEL_ACCEPT,  // C, V: [1] virtual address for 2 pages, [2] selector base (2 selectors: my SM = SEL_MAIN_SM
                          // once more, peer's SM) -> [1] enum channel_kind, [2] peer's process id, [3] vm id, [4..10]
                          // peer's name; ROOT_NOT_FOUND = no one waits.
                          //    Root ups SEL_MAIN_SM when somebody connected
    ROOT_CHANNEL_CONNECT, // A: [1] enum channel_kind (CHANNEL_TERMINAL, CHANNEL_SCREEN: to the console;
                          // CHANNEL_MONITOR: to VM [4]),
                          // [2] virtual address, [3] selector base, [4] vm id
    ROOT_CHANNEL_CLOSE,   // A: [1] virtual address of a channel of mine
    // S: processes and VMs
    ROOT_PROCESS_INFO, // S: [1] index -> [1] id, [2] vm id (0 = none), [3] cpu, [4] memory bytes, [5] kernel pages
                       // used, [6] CPU time ticks, [7] enum vm_state, [8] guest memory bytes, [9] exits, [10..16] name,
                       // [17..41] reason text
    ROOT_VM_START, // S: [1] kind: 0 = args are a `vm run` line, 1 = config file; [2] cpu or ~0 = root chooses, [3..]
                   // args text (up to 1,900 bytes) -> [1] vm id
    ROOT_VM_KILL,  // S: [1] vm id: destroy the process; memory returns; a stopped VM's entry goes too. Or [1] 0, [2] id
                   // of a process that ROOT_RUN started
    ROOT_MACHINE_INFO, // S: -> [1] RAM bytes of root, [2] free bytes, [3] kernel pool pages, [4] free pool pages, [5]
                       // cpus, [6] bytes waiting to be zeroed
    ROOT_CPU_INFO,     // S: [1] cpu -> [1] idle ticks, [2] TSC now, [3] lapic id
    ROOT_LOG_READ, // S, C: [1] position (~0 = where the kernel stopped printing its log itself) -> [1] new position,
                   // [2] bytes, [3..] up to 2,048 bytes of the log (kernel's and user land's, in order)
    ROOT_POWER,    // S: [1] 0 = off (S5), 1 = reboot
    ROOT_RUN,      // S: [1] 1 = with the right to vector registers, [2..] name of a boot file that is a program, its
                   // arguments (up to 1,900 bytes) -> [1] process id. It has memory, boot files and the log
    ROOT_OP_COUNT
};

enum mem_flag {
    MEM_LARGE = 1,
    MEM_LOW = 2, // below 4 GiB and contiguous: -> [1] physical address
    MEM_LATER =
        4, // a VMM whose VM starts: no memory now, but so many bytes more may be asked for later, if there are any
};
enum channel_kind { CHANNEL_TERMINAL = 1, CHANNEL_MONITOR = 2, CHANNEL_SCREEN = 3 /* screen_api.h */ };
enum vm_state { VM_NONE, VM_STARTING, VM_RUNNING, VM_PAUSED, VM_STOPPED, VM_CRASHED };

// START_PUBLIC of the console: root waits for its last words before it switches the machine off.
struct console_public {
    uint64_t shown; // position in the log up to which every byte has left the serial port
};

// START_PUBLIC of a VMM: numbers that root reads (untrusted, shown only).
struct vm_public {
    uint64_t exits;
    uint64_t guest_memory;
    char name[32];
};
