/* Wraps paragraphs to a width, both edges even with -j. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *words[4096];
static size_t count;

static void put(size_t from, size_t to, size_t width, int even) {
    size_t letters = 0, gaps = to - from - 1;
    for (size_t i = from; i < to; i++) letters += strlen(words[i]);
    for (size_t i = from; i < to; i++) {
        fputs(words[i], stdout);
        if (i + 1 == to) break;
        size_t done = i - from, room = width - letters;
        size_t spaces = even ? room * (done + 1) / gaps - room * done / gaps : 1;
        while (spaces--) putchar(' ');
    }
    putchar('\n');
}

static void paragraph(size_t width, int even) {
    size_t from = 0;
    while (from < count) {
        size_t to = from, letters = 0;
        while (to < count && letters + strlen(words[to]) + (to - from) <= width) letters += strlen(words[to++]);
        if (to == from) to++;
        put(from, to, width, even && to < count && strlen(words[from]) <= width);
        from = to;
    }
    for (size_t i = 0; i < count; i++) free(words[i]);
    count = 0;
}

int main(int argc, char **argv) {
    size_t width = 72;
    int even = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-j") == 0) even = 1;
        else width = (size_t)strtoul(argv[i], NULL, 10);
    }
    if (width < 10) {
        fputs("wrap: the width is at least 10\n", stderr);
        return 2;
    }
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        char *word = strtok(line, " \t\n");
        if (!word) {
            paragraph(width, even);
            putchar('\n');
        }
        for (; word; word = strtok(NULL, " \t\n")) {
            if (count == sizeof words / sizeof *words) paragraph(width, even);
            words[count] = malloc(strlen(word) + 1);
            if (!words[count]) return 2;
            strcpy(words[count++], word);
        }
    }
    paragraph(width, even);
    return 0;
}
