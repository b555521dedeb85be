/* Approves an order that is paid and costs at least 50. A request over 16 KiB traps. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 16384
static char request[SIZE + 1];
static const char yes[] = "{\"ok\":true}";
static const char no[] = "{\"ok\":false}";

__attribute__((export_name("alloc"))) char *alloc_(uint32_t size) {
    if (size > SIZE) __builtin_trap();
    return request;
}

static const char *after(const char *text, const char *key) {
    const char *found = strstr(text, key);
    if (!found) return 0;
    found += strlen(key);
    while (*found == ' ' || *found == ':') found++;
    return found;
}

__attribute__((export_name("eval"))) uint64_t eval(char *at, uint32_t len) {
    at[len] = 0;
    const char *status = after(at, "\"status\""), *amount = after(at, "\"amount\"");
    int ok = status && strncmp(status, "\"paid\"", 6) == 0 && amount && atoi(amount) >= 50;
    const char *answer = ok ? yes : no;
    return (uint64_t)(uintptr_t)answer << 32 | strlen(answer);
}
