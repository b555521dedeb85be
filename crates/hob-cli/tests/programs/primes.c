/* How many primes there are below a number, the largest of them and their sum. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    if (n > 100000000) {
        fputs("primes: at most 100000000\n", stderr);
        return 2;
    }
    unsigned char *composite = calloc(n + 2, 1);
    if (!composite) return 2;
    unsigned long count = 0, largest = 0, twins = 0;
    uint64_t sum = 0;
    for (unsigned long i = 2; i < n; i++) {
        if (composite[i]) continue;
        if (i >= 4 && !composite[i - 2]) twins++;
        count++;
        sum += i;
        largest = i;
        for (unsigned long j = i; j <= n / i; j++) composite[i * j] = 1;
    }
    printf("%lu primes below %lu, the largest %lu, sum %" PRIu64, count, n, largest, sum);
    printf(", %lu pairs of twins\n", twins);
    free(composite);
    return 0;
}
