/* Base64 of the input in lines of 76, or back with -d. */
#include <stdio.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int encode(void) {
    unsigned char in[57];
    size_t count;
    while ((count = fread(in, 1, sizeof in, stdin)) > 0) {
        for (size_t i = 0; i < count; i += 3) {
            unsigned long bits = (unsigned long)in[i] << 16;
            if (i + 1 < count) bits |= (unsigned long)in[i + 1] << 8;
            if (i + 2 < count) bits |= in[i + 2];
            putchar(letters[bits >> 18 & 63]);
            putchar(letters[bits >> 12 & 63]);
            putchar(i + 1 < count ? letters[bits >> 6 & 63] : '=');
            putchar(i + 2 < count ? letters[bits & 63] : '=');
        }
        putchar('\n');
    }
    return 0;
}

static int decode(void) {
    unsigned long bits = 0;
    int have = 0, c;
    while ((c = getchar()) != EOF && c != '=') {
        const char *found = c ? strchr(letters, c) : NULL;
        if (c == '\n') continue;
        if (!found) {
            fprintf(stderr, "base64: byte %d is no letter\n", c);
            return 1;
        }
        bits = bits << 6 | (unsigned long)(found - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            putchar((int)(bits >> have & 255));
        }
    }
    return 0;
}

int main(int argc, char **argv) { return argc > 1 && strcmp(argv[1], "-d") == 0 ? decode() : encode(); }
