/* Shows its arguments from the second on and the environment, in order; ends with the code it is told first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static int order(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void at_end(void) { puts("at the end"); }

int main(int argc, char **argv) {
    atexit(at_end);
    printf("%d arguments\n", argc - 1);
    for (int i = 2; i < argc; i++) printf("[%s] %zu\n", argv[i], strlen(argv[i]));
    size_t count = 0;
    while (environ && environ[count]) count++;
    if (count) qsort(environ, count, sizeof *environ, order);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], "GIVEN_", 6) == 0) puts(environ[i]);
    }
    const char *one = getenv("GIVEN_ONE");
    printf("%s %d\n", one ? one : "none", getenv("GIVEN_NOT") == NULL);
    return argc > 1 ? atoi(argv[1]) : 0;
}
