// SPDX-License-Identifier: MIT
// The table of commands, and those that are about the shell itself.
#include "lib/c/printf.h"
#include "lib/c/string.h"
#include "lib/sys/nearest.h"
#include "user/shell/shell.h"

#define SLEEP_MAX 86400

static void help(const struct words *w, unsigned first);
static void echo(const struct words *w, unsigned first);
static void sleep(const struct words *w, unsigned first);

const struct command commands[] = {
    {"help", "[COMMAND]", "list the commands, or explain one", help},
    {"files", "", "list the files of the boot medium", show_files},
    {"ps", "", "list the processes: memory, kernel memory, CPU time", show_processes},
    {"mem", "", "show how much memory there is and how much is free", show_memory},
    {"cpus", "", "list the CPUs and how long they were idle", show_cpus},
    {"log", "", "show the system's log", show_log},
    {"run", "[-vectors] PROGRAM [ARGUMENT]...",
     "start a native program (`check`); -vectors: it may use vector registers", program_run},
    {"kill", "ID", "end a native program, by its ID in `ps`", program_kill},
    {"vm start", "NAME", "start the guest that guests/NAME.cfg describes", vm_start},
    {"vm run",
     "[-n NAME] [-m SIZE] [-kernel FILE [-initrd FILE] [-append \"...\"]] [-fda|-hda|-cdrom FILE]... [-boot acd]",
     "start a guest from boot files", vm_run},
    {"vm list", "", "list the virtual machines", vm_list},
    {"vm stat", "ID", "show what a VM did: exits by reason, injections, unknown MSRs and ports, time", vm_stat},
    {"vm console", "ID [serial|screen]",
     "go to a VM: its serial port, or its screen if it uses none; Ctrl-] comes back", vm_console},
    {"vm reset", "ID", "reset a VM as its reset button would", vm_reset},
    {"vm regs", "ID", "show a VM's registers, the code and the stack there", vm_regs},
    {"vm memory", "ID ADDRESS [BYTES]", "show a VM's memory at a linear address (hexadecimal) as its vCPU sees it",
     vm_memory},
    {"vm pause", "ID", "stop a VM and its time until `vm resume`", vm_pause},
    {"vm resume", "ID", "let a paused VM go on", vm_resume},
    {"vm kill", "ID", "end a VM and take it from the list", vm_kill},
    {"vm wait", "ID", "wait until a VM stopped and say why; Ctrl-C ends the waiting", vm_wait},
    {"vm screen", "ID", "the text on a VM's screen", vm_screen},
    {"vm screenshot", "ID [NAME]", "a picture of a VM's screen: scripts/run writes it as NAME.ppm", vm_screenshot},
    {"vm keys", "ID TEXT", "type on a VM's keyboard; <enter> <esc> <f1> <up> <c-x> are keys", vm_keys},
    {"vm mouse", "ID DX DY [BUTTONS [WHEEL]]", "move a VM's mouse; BUTTONS: 1 left, 2 right, 4 middle, as a sum",
     vm_mouse},
    {"vm insert", "ID DRIVE FILE", "put another floppy or CD, or `none`, into fda, fdb or cdrom", vm_insert},
    {"vm power", "ID", "press a VM's power button: a system with ACPI shuts down, another one is off at once",
     vm_power},
    {"vm crash", "ID KIND", "crash a VM's VMM: null ud stack kernel-address loop memory", vm_crash},
    {"echo", "[WORD]...", "print words", echo},
    {"sleep", "SECONDS", "wait, for scripts", sleep},
    {"poweroff", "", "switch the machine off", power_off},
    {"reboot", "", "start the machine again", power_reboot},
    {0},
};

// The command that the words begin with, and how many words its name has. `exact` = the words are just the name.
static const struct command *command_find(const struct words *w, unsigned first, unsigned *words)
{
    char name[64] = "";
    const struct command *found = NULL;
    unsigned length = 0;
    for (unsigned n = 1; n <= 2 && first + n <= w->count; n++) {
        length += snprintf(name + length, sizeof name - length, "%s%s", n > 1 ? " " : "", w->word[first + n - 1]);
        if (length >= sizeof name)
            break;
        for (const struct command *c = commands; c->name; c++)
            if (!strcmp(c->name, name)) {
                found = c;
                *words = n;
            }
    }
    return found;
}

static void usage(const struct command *c)
{
    print("  %s%s%s\n", c->name, *c->usage ? " " : "", c->usage);
}

// All commands whose name begins with that word; false if none does.
static bool family(const char *word)
{
    bool any = false;
    for (const struct command *c = commands; c->name; c++)
        if (!strncmp(c->name, word, strlen(word)) && c->name[strlen(word)] == ' ') {
            if (!any)
                print("usage:\n");
            usage(c);
            any = true;
        }
    return any;
}

void usage_show(const struct words *w)
{
    unsigned words;
    const struct command *c = command_find(w, 0, &words);
    if (c)
        print("usage: %s %s\n", c->name, c->usage);
}

static void help(const struct words *w, unsigned first)
{
    unsigned words;
    if (w->count == first) {
        for (const struct command *c = commands; c->name; c++)
            print("  %-13s %s\n", c->name, c->help);
        print("`help COMMAND` shows its arguments. Tab completes; Up and Down go through what was typed.\n");
        return;
    }
    const struct command *c = command_find(w, first, &words);
    if (c) {
        usage(c);
        print("    %s\n", c->help);
    } else if (!family(w->word[first])) {
        print("help: no command %s\n", w->word[first]);
    }
}

static void echo(const struct words *w, unsigned first)
{
    for (unsigned i = first; i < w->count; i++)
        print("%s%s", i > first ? " " : "", w->word[i]);
    print("\n");
}

static void sleep(const struct words *w, unsigned first)
{
    uint64_t seconds;
    if (w->count != first + 1 || !number_parse(w->word[first], &seconds) || seconds > SLEEP_MAX) {
        print("usage: sleep SECONDS\n");
        return;
    }
    uint64_t end = shell_now_us() + seconds * 1000000, now;
    while ((now = shell_now_us()) < end && shell_sleep(end - now))
        ;
}

bool number_parse(const char *text, uint64_t *value)
{
    *value = 0;
    if (!*text || strlen(text) > 18)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        *value = *value * 10 + (uint64_t)(*text - '0');
    }
    return true;
}

const char *size_text(uint64_t bytes, char text[24])
{
    if (bytes % (1ul << 20) == 0)
        snprintf(text, 24, "%luM", bytes >> 20);
    else
        snprintf(text, 24, "%luK", bytes >> 10);
    return text;
}

// Nobody has a command of that name: says which one may have been meant.
static void unknown(const struct words *w)
{
    char two[64];
    struct nearest one, both;
    nearest_init(&one, w->word[0]);
    snprintf(two, sizeof two, "%s %s", w->word[0], w->count > 1 ? w->word[1] : "");
    nearest_init(&both, two);
    for (const struct command *c = commands; c->name; c++)
        nearest_try(strchr(c->name, ' ') ? &both : &one, c->name);
    const char *meant =
        w->count > 1 && both.best && (!one.best || both.distance <= one.distance) ? both.best : one.best;
    if (meant)
        print("%s: no such command; did you mean `%s`?\n", meant == both.best ? two : w->word[0], meant);
    else if (!family(w->word[0]))
        print("%s: no such command; `help` lists them\n", w->word[0]);
}

bool command_run(const char *line)
{
    static struct words w;
    unsigned words;
    const char *wrong = words_split(&w, line);
    const struct command *c = wrong || !w.count ? NULL : command_find(&w, 0, &words);
    if (wrong)
        print("%s\n", wrong);
    else if (c)
        c->run(&w, words);
    else if (w.count)
        unknown(&w);
    return !interrupt_clear();
}
