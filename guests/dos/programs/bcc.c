/* SPDX-License-Identifier: MIT */
/* A C program for DOS, by bcc: files, formatted output, arguments. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(argc, argv)
int argc;
char **argv;
{
    FILE *f = fopen("numbers.txt", "w");
    char line[40];
    long sum = 0;
    int i;
    for (i = 0; f && i < 1000; i++)
        fprintf(f, "%d is %x\n", i * 7, i);
    if (f)
        fclose(f);
    f = fopen("numbers.txt", "r");
    while (f && fgets(line, sizeof(line), f))
        sum += atoi(line);
    if (f)
        fclose(f);
    printf("BCC: %s %ld %d\n", sum == 3496500L && argc == 3 && strcmp(argv[2], "two") == 0 ? "ok" : "wrong", sum, argc);
    return 0;
}
