/* Copies a file with a buffer of any size through open, read, write, lseek and fstat; then reads it back in reverse. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int wrong(const char *what) {
    fprintf(stderr, "copy: %s: %s\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fputs("usage: copy FROM TO SIZE\n", stderr);
        return 2;
    }
    size_t size = (size_t)strtoul(argv[3], NULL, 10);
    char *buffer = malloc(size ? size : 1);
    int from = open(argv[1], O_RDONLY);
    if (from < 0) {
        printf("no source: %d\n", errno == ENOENT);
        return 1;
    }
    int to = open(argv[2], O_RDWR | O_CREAT | O_EXCL, 0644);
    if (to < 0) {
        printf("no target: %d\n", errno == EEXIST);
        return 1;
    }
    if (!buffer || !size) return 2;
    long long total = 0;
    ssize_t got;
    while ((got = read(from, buffer, size)) > 0) {
        for (ssize_t done = 0; done < got;) {
            ssize_t n = write(to, buffer + done, (size_t)(got - done));
            if (n < 0) return wrong(argv[2]);
            done += n;
        }
        total += got;
    }
    if (got < 0) return wrong(argv[1]);
    struct stat a, b;
    if (fstat(from, &a) || fstat(to, &b)) return wrong("fstat");
    printf("%lld bytes copied, %lld and %lld on disk", total, (long long)a.st_size, (long long)b.st_size);
    printf(", regular %d\n", S_ISREG(b.st_mode) != 0);
    uint64_t sum = 0;
    for (off_t at = lseek(to, 0, SEEK_END); at > 0;) {
        off_t step = at < (off_t)size ? at : (off_t)size;
        at -= step;
        if (lseek(to, at, SEEK_SET) != at || read(to, buffer, (size_t)step) != step) return wrong("reading back");
        for (off_t i = step; i-- > 0;) sum = (sum * 31 + (unsigned char)buffer[i]) % 4294967291u;
    }
    printf("reversed checksum %" PRIu64 "\n", sum);
    if (close(from) || close(to)) return wrong("close");
    if (close(to) == 0 || errno != EBADF) puts("closed twice");
    if (unlink(argv[2]) || access(argv[2], F_OK) == 0) return wrong("unlink");
    return 0;
}
