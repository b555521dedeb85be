/* Counts lines, words and bytes of the input, and how often each word stands in it; most frequent first. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    char *text;
    unsigned long count;
    struct word *next;
};

static struct word *table[1021];
static unsigned long distinct;

static void count(const char *text) {
    unsigned long hash = 5381;
    for (const char *c = text; *c; c++) hash = (hash * 33 ^ (unsigned char)*c) & 0xffffffff;
    struct word **at = &table[hash % 1021];
    for (; *at; at = &(*at)->next) {
        if (strcmp((*at)->text, text) == 0) {
            (*at)->count++;
            return;
        }
    }
    *at = calloc(1, sizeof **at);
    if (!*at || !((*at)->text = malloc(strlen(text) + 1))) exit(2);
    strcpy((*at)->text, text);
    (*at)->count = 1;
    distinct++;
}

static int order(const void *a, const void *b) {
    const struct word *x = *(struct word *const *)a, *y = *(struct word *const *)b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return strcmp(x->text, y->text);
}

int main(void) {
    unsigned long lines = 0, words = 0, bytes = 0;
    char word[256];
    size_t length = 0;
    int c;
    do {
        c = getchar();
        if (c != EOF) bytes++;
        if (c == '\n') lines++;
        if (c != EOF && !isspace(c)) {
            if (length + 1 < sizeof word) word[length++] = (char)c;
        } else if (length) {
            word[length] = 0;
            words++;
            count(word);
            length = 0;
        }
    } while (c != EOF);
    printf("%lu lines, %lu words, %lu bytes, %lu distinct\n", lines, words, bytes, distinct);
    struct word **all = malloc((distinct + 1) * sizeof *all);
    if (!all) return 2;
    size_t n = 0;
    for (size_t i = 0; i < 1021; i++) {
        for (struct word *w = table[i]; w; w = w->next) all[n++] = w;
    }
    qsort(all, n, sizeof *all, order);
    for (size_t i = 0; i < n && i < 10; i++) printf("%7lu %s\n", all[i]->count, all[i]->text);
    return 0;
}
