/* Whether the input is UTF-8: counts by length, or where it goes wrong. */
#include <stdio.h>

int main(void) {
    unsigned long counts[5] = {0}, offset = 0;
    int c;
    while ((c = getchar()) != EOF) {
        int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        if ((c >= 0x80 && c < 0xc2) || c >= 0xf5) {
            printf("byte %lu: %02x begins nothing\n", offset, (unsigned)c);
            return 1;
        }
        unsigned long code = more == 0 ? (unsigned long)c : (unsigned long)c & (0x3fu >> more);
        for (int i = 1; i <= more; i++) {
            int next = getchar();
            if (next == EOF) {
                printf("byte %lu: cut short\n", offset);
                return 1;
            }
            if ((next & 0xc0) != 0x80) {
                printf("byte %lu: %02x does not go on\n", offset + (unsigned long)i, (unsigned)next);
                return 1;
            }
            code = code << 6 | (unsigned long)(next & 0x3f);
        }
        int longer = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
        if (longer || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            printf("byte %lu: U+%04lX may not be written so\n", offset, code);
            return 1;
        }
        counts[more + 1]++;
        offset += (unsigned long)more + 1;
    }
    printf("%lu bytes; characters of one byte %lu, two %lu", offset, counts[1], counts[2]);
    printf(", three %lu, four %lu\n", counts[3], counts[4]);
    return 0;
}
