/* Reads expressions, a line each, and prints their values: + - * / % ^, parentheses, variables, functions. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *at;
static const char *why;
static double variables[26];

static double sum(void);

static void skip(void) {
    while (*at == ' ' || *at == '\t') at++;
}

static int take(char c) {
    skip();
    if (*at != c) return 0;
    at++;
    return 1;
}

static double atom(void) {
    skip();
    if (take('(')) {
        double x = sum();
        if (!take(')') && !why) why = "a parenthesis is open";
        return x;
    }
    if (isdigit((unsigned char)*at) || *at == '.') {
        char *end;
        double x = strtod(at, &end);
        at = end;
        return x;
    }
    if (isalpha((unsigned char)*at)) {
        char name[16];
        size_t n = 0;
        while (isalpha((unsigned char)*at)) {
            if (n + 1 < sizeof name) name[n++] = *at;
            at++;
        }
        name[n] = 0;
        if (n == 1) return variables[tolower((unsigned char)*name) - 'a'];
        if (take('(')) {
            double x = sum();
            if (!take(')') && !why) why = "a parenthesis is open";
            if (strcmp(name, "sqrt") == 0) return sqrt(x);
            if (strcmp(name, "abs") == 0) return fabs(x);
            if (strcmp(name, "floor") == 0) return floor(x);
        }
        why = "no such function";
        return 0;
    }
    if (!why) why = "no value";
    return 0;
}

static double power(void) {
    if (take('-')) return -power();
    double x = atom();
    return take('^') ? pow(x, power()) : x;
}

static double product(void) {
    double x = power();
    for (;;) {
        if (take('*')) x *= power();
        else if (take('/')) {
            double y = power();
            if (y == 0 && !why) why = "division by zero";
            x = y == 0 ? 0 : x / y;
        } else if (take('%')) {
            double y = power();
            if (y == 0 && !why) why = "division by zero";
            x = y == 0 ? 0 : fmod(x, y);
        } else return x;
    }
}

static double sum(void) {
    double x = product();
    for (;;) {
        if (take('+')) x += product();
        else if (take('-')) x -= product();
        else return x;
    }
}

int main(void) {
    char line[1024];
    int number = 0, failed = 0;
    while (fgets(line, sizeof line, stdin)) {
        number++;
        line[strcspn(line, "\n")] = 0;
        at = line;
        why = NULL;
        skip();
        if (!*at || *at == '#') continue;
        char target = 0;
        if (isalpha((unsigned char)at[0]) && strchr(at, '=') == at + 1 + strspn(at + 1, " ")) {
            target = (char)tolower((unsigned char)at[0]);
            at = strchr(at, '=') + 1;
        }
        double x = sum();
        skip();
        if (*at && !why) why = "something behind the expression";
        if (why) {
            printf("line %d: %s\n", number, why);
            failed = 1;
        } else if (target) {
            variables[target - 'a'] = x;
        } else {
            printf("%.12g\n", x);
        }
    }
    return failed;
}
