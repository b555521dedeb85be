/* Shows bytes of a file or of the input: offset, sixteen bytes, letters. -s skips by seeking, -n bounds. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    long skip = 0, most = -1;
    const char *name = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) skip = strtol(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc) most = strtol(argv[++i], NULL, 0);
        else name = argv[i];
    }
    FILE *file = name ? fopen(name, "rb") : stdin;
    if (!file) {
        fprintf(stderr, "hexdump: %s cannot be opened\n", name);
        return 1;
    }
    if (skip && fseek(file, skip, SEEK_SET) != 0) {
        for (long i = 0; i < skip && getc(file) != EOF; i++) {}
    }
    unsigned long offset = (unsigned long)skip;
    unsigned char row[16];
    while (most != 0) {
        size_t want = most > 0 && most < 16 ? (size_t)most : 16;
        size_t got = fread(row, 1, want, file);
        if (got == 0) break;
        printf("%08lx ", offset);
        for (size_t i = 0; i < 16; i++) {
            if (i < got) printf(" %02x", row[i]);
            else fputs("   ", stdout);
        }
        fputs("  |", stdout);
        for (size_t i = 0; i < got; i++) putchar(row[i] < 128 && isprint(row[i]) ? row[i] : '.');
        puts("|");
        offset += got;
        if (most > 0) most -= (long)got;
    }
    printf("%08lx\n", offset);
    return ferror(file) != 0;
}
