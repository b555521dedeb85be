/* Sorts the lines of the input: -n by number, -r backwards, -u each once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int numeric, backwards, once;

static int by(const void *a, const void *b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int result = 0;
    if (numeric) {
        double p = strtod(x, NULL), q = strtod(y, NULL);
        result = (p > q) - (p < q);
    }
    if (result == 0) result = strcmp(x, y);
    return backwards ? -result : result;
}

static char *line(void) {
    size_t size = 16, length = 0;
    char *text = malloc(size);
    int c;
    while (text && (c = getchar()) != EOF && c != '\n') {
        if (length + 1 == size) {
            char *more = realloc(text, size *= 2);
            if (!more) exit(2);
            text = more;
        }
        text[length++] = (char)c;
    }
    if (!text) exit(2);
    if (length == 0 && feof(stdin)) {
        free(text);
        return NULL;
    }
    text[length] = 0;
    return text;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-n") == 0) numeric = 1;
        else if (strcmp(argv[i], "-r") == 0) backwards = 1;
        else if (strcmp(argv[i], "-u") == 0) once = 1;
        else {
            fprintf(stderr, "sortlines: no option %s\n", argv[i]);
            return 2;
        }
    }
    size_t count = 0, room = 0;
    char **lines = NULL, *text;
    while ((text = line())) {
        if (count == room) {
            char **more = realloc(lines, (room = room ? 2 * room : 64) * sizeof *lines);
            if (!more) return 2;
            lines = more;
        }
        lines[count++] = text;
    }
    if (count) qsort(lines, count, sizeof *lines, by);
    for (size_t i = 0; i < count; i++) {
        if (!once || i == 0 || strcmp(lines[i], lines[i - 1]) != 0) puts(lines[i]);
    }
    return 0;
}
