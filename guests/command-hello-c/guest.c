/* Says hello: prints its arguments and the variable NAME, counts its input, and exits as told by `--exit N`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    int code = 0;
    printf("args:");
    for (int i = 1; i < argc; i++) {
        printf(" %s", argv[i]);
        if (strcmp(argv[i], "--exit") == 0 && i + 1 < argc) code = atoi(argv[i + 1]);
    }
    printf("%s\n", argc > 1 ? "" : " ");
    const char *name = getenv("NAME");
    if (name) printf("NAME=%s\n", name);
    size_t total = 0, got;
    char buf[4096];
    while ((got = fread(buf, 1, sizeof buf, stdin)) > 0) total += got;
    printf("stdin: %zu bytes\n", total);
    return code;
}
