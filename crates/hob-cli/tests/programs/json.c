/* Reads JSON and prints it again, indented; says where it is wrong otherwise. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text;
static size_t at, length;
static int failed;

static void value(int depth);

static int peek(void) {
    while (at < length && strchr(" \t\r\n", text[at]) && text[at]) at++;
    return at < length ? (unsigned char)text[at] : EOF;
}

static void wrong(const char *what) {
    if (!failed) {
        fflush(stdout);
        fprintf(stderr, "json: %s at byte %zu\n", what, at);
    }
    failed = 1;
}

static void indent(int depth) {
    putchar('\n');
    for (int i = 0; i < depth; i++) fputs("  ", stdout);
}

static void string(void) {
    putchar(text[at++]);
    while (at < length && text[at] != '"') {
        unsigned char c = (unsigned char)text[at];
        if (c < 0x20) {
            wrong("a control character in a string");
            return;
        }
        if (c == '\\') {
            putchar(text[at++]);
            if (at >= length || !strchr("\"\\/bfnrtu", text[at])) {
                wrong("an escape that is none");
                return;
            }
            if (text[at] == 'u') {
                for (int i = 1; i <= 4; i++) {
                    if (at + i >= length || !isxdigit((unsigned char)text[at + i])) {
                        wrong("an escape that is none");
                        return;
                    }
                }
            }
        }
        putchar(text[at++]);
    }
    if (at >= length) {
        wrong("a string without its end");
        return;
    }
    putchar(text[at++]);
}

static void number(void) {
    char *end;
    double x = strtod(text + at, &end);
    if (end == text + at) {
        wrong("no number");
        return;
    }
    at = (size_t)(end - text);
    if (x == (double)(long long)x && x > -1e15 && x < 1e15) printf("%lld", (long long)x);
    else printf("%.17g", x);
}

static void list(int depth, char close, int named) {
    putchar(text[at++]);
    int first = 1;
    for (;;) {
        int c = peek();
        if (c == close && first) break;
        if (!first) {
            if (c == close) {
                indent(depth);
                break;
            }
            if (c != ',') {
                wrong("no comma and no end");
                return;
            }
            putchar(',');
            at++;
            c = peek();
        }
        first = 0;
        indent(depth + 1);
        if (named) {
            if (c != '"') {
                wrong("no name");
                return;
            }
            string();
            if (failed) return;
            if (peek() != ':') {
                wrong("no colon");
                return;
            }
            at++;
            fputs(": ", stdout);
        }
        value(depth + 1);
        if (failed) return;
    }
    putchar(close);
    at++;
}

static void word(const char *w) {
    if (strncmp(text + at, w, strlen(w)) != 0) {
        wrong("no value");
        return;
    }
    fputs(w, stdout);
    at += strlen(w);
}

static void value(int depth) {
    if (depth > 100) {
        wrong("too deep");
        return;
    }
    int c = peek();
    if (c == '{') list(depth, '}', 1);
    else if (c == '[') list(depth, ']', 0);
    else if (c == '"') string();
    else if (c == 't') word("true");
    else if (c == 'f') word("false");
    else if (c == 'n') word("null");
    else if (c == '-' || isdigit(c)) number();
    else wrong("no value");
}

int main(void) {
    size_t room = 0, count;
    do {
        char *more = realloc(text, (room += 1000) + 1);
        if (!more) return 2;
        text = more;
        count = fread(text + length, 1, room - length, stdin);
        length += count;
    } while (count > 0);
    text[length] = 0;
    value(0);
    if (!failed && peek() != EOF) wrong("something behind the value");
    putchar('\n');
    return failed;
}
