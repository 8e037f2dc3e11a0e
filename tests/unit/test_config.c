// SPDX-License-Identifier: MIT
// sources: vmm-user/config.c lib/sys/nearest.c
#include "vmm-user/config.h"
#include <string.h>
#include "tests/unit/cmocka_all.h"

static char error[CONFIG_ERROR];
static struct vm_config config;

static bool parse(const char *text)
{
    error[0] = 0;
    return config_parse(&config, "guests/x.cfg", text, strlen(text), error);
}

static bool parse_args(const char *args)
{
    error[0] = 0;
    return config_parse_args(&config, args, error);
}

static void good_file(void **state)
{
    (void)state;
    assert_true(parse("# a comment\n\n kernel = linux \n\tinitrd=linux.initrd\r\nmemory = 512M\nappend = "
                      "console=ttyS0,115200 a=b\n"));
    assert_string_equal(config.name, "x");
    assert_string_equal(config.kernel, "linux");
    assert_string_equal(config.initrd, "linux.initrd");
    assert_string_equal(config.append, "console=ttyS0,115200 a=b");
    assert_int_equal(config.memory, 512ull << 20);
    assert_int_equal(config.kernel_line, 3);
    assert_int_equal(config.initrd_line, 4);
    assert_true(parse("kernel=a/b\nname = other\nappend ="));
    assert_string_equal(config.name, "other");
    assert_string_equal(config.append, "");
    assert_int_equal(config.memory, CONFIG_MEMORY_DEFAULT);
}

static void bad_files(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"fda = a\nboot = axe\n",
         "guests/x.cfg:2: bad value 'axe' for boot: an order of a (floppy), c (hard disk), d (CD)"},
        {"fda = a\nsnapshot = off\n",
         "guests/x.cfg:2: snapshot = off: there is no disk to write to; changes are kept in memory"},
        {"kernel = a\nfoo = 1\n", "guests/x.cfg:2: unknown key 'foo' (name memory kernel initrd append fda fdb hda hdb "
                                  "cdrom boot snapshot smp get)"},
        {"kernal = a\n", "guests/x.cfg:1: unknown key 'kernal'; did you mean kernel?"},
        {"kernel = a\nmemroy = 1G\n", "guests/x.cfg:2: unknown key 'memroy'; did you mean memory?"},
        {"kernel = a\nsmp = 4\n", "guests/x.cfg:2: smp = 4: a VM has one virtual CPU"},
        {"kernel\n", "guests/x.cfg:1: 'kernel' is not of the form key = value"},
        {"\nkernel =\n", "guests/x.cfg:2: kernel has no value"},
        {"kernel = a\nmemory = lots",
         "guests/x.cfg:2: bad value 'lots' for memory: a size from 2M to 64G such as 256M"},
        {"memory = 256\n", "guests/x.cfg:1: bad value '256' for memory: a size from 2M to 64G such as 256M"},
        {"memory = 18446744073709551615G\n",
         "guests/x.cfg:1: bad value '18446744073709551615G' for memory: a size from 2M to 64G such as 256M"},
        {"memory = 1G\n", "guests/x.cfg:1: no kernel: the line `kernel = FILE` is missing"},
        {"", "guests/x.cfg:1: no kernel: the line `kernel = FILE` is missing"},
        {"name = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "guests/x.cfg:1: the value of name is too long: at most 31 characters"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(parse(cases[i].text));
        assert_string_equal(error, cases[i].error);
    }
}

static void odd_bytes(void **state)
{
    char text[4096];
    (void)state;
    memset(text, 'a', sizeof(text));
    assert_false(config_parse(&config, "f", text, sizeof(text), error));
    assert_string_equal(error, "f:1: the line is too long or not text");
    assert_false(config_parse(&config, "f", "kernel = a\n\0\n", 13, error));
    assert_string_equal(error, "f:2: the line is too long or not text");
}

static void arguments(void **state)
{
    (void)state;
    assert_true(parse_args("-n one -m 64 -kernel dir/linux.bin -initrd i -append \"a b  c\\\"d\""));
    assert_string_equal(config.name, "one");
    assert_string_equal(config.kernel, "dir/linux.bin");
    assert_string_equal(config.append, "a b  c\"d");
    assert_int_equal(config.memory, 64ull << 20);
    assert_true(parse_args("-kernel dir/linux.bin -m 3M"));
    assert_string_equal(config.name, "linux");
    assert_int_equal(config.memory, 4ull << 20);
}

static void bad_arguments(void **state)
{
    static const struct {
        const char *args, *error;
    } cases[] = {
        {"-kernel a -smp 2", "vm run: smp = 2: a VM has one virtual CPU"},
        {"-kernel a -smp 2,cores=2", "vm run: smp = 2,cores=2: a VM has one virtual CPU"},
        {"-kernle a", "vm run: unknown option '-kernle'; did you mean -kernel?"},
        {"-get a",
         "vm run: unknown option '-get' (-n -m -kernel -initrd -append -fda -fdb -hda -hdb -cdrom -boot -snapshot "
         "-smp)"},
        {"-kernel", "vm run: -kernel needs a value"},
        {"-m 1G", "vm run: -kernel FILE is missing"},
        {"", "vm run: -kernel FILE is missing"},
        {"-kernel a -append \"open", "vm run: a word is too long, or a quote is not closed"},
        {"-kernel a -m many", "vm run: bad value 'many' for memory: a size from 2M to 64G such as 256M"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(parse_args(cases[i].args));
        assert_string_equal(error, cases[i].error);
    }
}

static void missing_file(void **state)
{
    (void)state;
    assert_true(parse("\nkernel = vmlinux\n"));
    config_missing_file(&config, "kernel", config.kernel, config.kernel_line, error);
    assert_string_equal(error, "guests/x.cfg:2: kernel 'vmlinux' is not among the boot files");
    assert_true(parse_args("-kernel k"));
    config_missing_file(&config, "kernel", config.kernel, 0, error);
    assert_string_equal(error, "vm run: -kernel: 'k' is not among the boot files");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_file), cmocka_unit_test(bad_files),     cmocka_unit_test(odd_bytes),
        cmocka_unit_test(arguments), cmocka_unit_test(bad_arguments), cmocka_unit_test(missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
