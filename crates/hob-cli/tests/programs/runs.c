/* Run-length coding of bytes, and back with -d, through read and write alone. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static unsigned char out[1000];
static size_t filled;

static void flush(void) {
    size_t done = 0;
    while (done < filled) {
        ssize_t n = write(1, out + done, filled - done);
        if (n <= 0) _exit(3);
        done += (size_t)n;
    }
    filled = 0;
}

static void put(int byte) {
    if (filled == sizeof out) flush();
    out[filled++] = (unsigned char)byte;
}

static int get(void) {
    static unsigned char in[777];
    static ssize_t have, used;
    if (used == have) {
        have = read(0, in, sizeof in);
        used = 0;
        if (have <= 0) return -1;
    }
    return in[used++];
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "-d") == 0) {
        int count, byte;
        while ((count = get()) >= 0) {
            byte = get();
            if (byte < 0) {
                fputs("runs: cut short\n", stderr);
                return 1;
            }
            while (count-- >= 0) put(byte);
        }
    } else {
        int last = get(), count = 0, byte;
        while (last >= 0) {
            while ((byte = get()) == last && count < 255) count++;
            put(count);
            put(last);
            last = byte;
            count = 0;
        }
    }
    flush();
    return 0;
}
