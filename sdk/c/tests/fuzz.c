/* Reads damaged messages natively, with the compiler looking for what is out of bounds or undefined: what is read is written
 * again byte for byte, and all else is refused. `fuzz N` reads N messages; they are the same every time. */
#include <hob/actor.h>

#include <stdio.h>
#include <stdlib.h>

/* There is no host. */
int64_t hob_raw_send_(const void *at, uint32_t length) { return at && length ? 1 : -1; }
int64_t hob_raw_send_only_(const void *at, uint32_t length) { return at && length ? 0 : -1; }
int64_t hob_raw_call_(const void *at, uint32_t length) { return at && length ? 0 : -1; }
int64_t hob_raw_spawn_(const void *at, uint32_t length) { return at && length ? 1 : -1; }
int64_t hob_raw_resolve_(const void *at, uint32_t length) { return at && length ? 0 : -1; }
int64_t hob_raw_break_(const void *at, uint32_t length) { return at && length ? 0 : -1; }
int64_t hob_raw_on_(const void *at, uint32_t length) { return at && length ? 1 : -1; }
int64_t hob_raw_promise_(void *at) { return at ? 0 : -1; }
int64_t hob_raw_drop_(uint64_t handle) { return handle ? 0 : -1; }
int64_t hob_raw_take_(void *at) { return at ? 0 : -1; }
int64_t hob_raw_fuel_(void) { return 0; }

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char alphabet[] = "0123456789+-:\"'[]{}<>tfD<4'void>desc:cap\xff\x80";
static const char *const seeds[] = {
    "[1+{1\"a1+2\"aa<8'desc:cap7+>}<11'desc:tagged1'a[]>]",
    "<10'desc:error1\"a1'b>",
    "[3'abc3\"abc3:abc170141183460469231731687303715884105727+170141183460469231731687303715884105728-]",
    "<4'turn<8'desc:cap7+>[1+][3'inc]>",
    "[D00000000tf<4'null>4\"\xf0\x9f\xa6\x80{1\"at10\"bbbbbbbbbb[]}]",
};

static uint32_t next(void) {
    static uint64_t seed = 7;
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33);
}

/* A message in a region of exactly its size, so that reading past it is noticed. */
static char *damaged(size_t *length) {
    const char *seed = seeds[next() % COUNT(seeds)];
    char bytes[256];
    *length = strlen(seed);
    memcpy(bytes, seed, *length);
    for (uint32_t left = next() % 4; left > 0 && *length > 0; left--) {
        size_t at = next() % *length;
        char byte = alphabet[next() % (sizeof alphabet - 1)];
        switch (next() % 3) {
        case 0: bytes[at] = byte; break;
        case 1: memmove(bytes + at, bytes + at + 1, --*length - at); break;
        default:
            memmove(bytes + at + 1, bytes + at, (*length)++ - at);
            bytes[at] = byte;
        }
    }
    char *exact = malloc(*length ? *length : 1);
    return memcpy(exact, bytes, *length);
}

static hob_outcome handler(const hob_turn *turn) {
    return turn->count ? hob_answer(turn->args[0]) : hob_become(turn->state, turn->state);
}

int main(int argc, char **argv) {
    long read = 0, refused = 0;
    for (long left = argc > 1 ? atol(argv[1]) : 100000; left > 0; left--) {
        size_t length;
        char *message = damaged(&length);
        hob_forget_();
        hob_result value = hob_decode(message, (uint32_t)length);
        hob_result again = value.ok ? hob_encode(value.value) : value;
        if (value.ok) {
            hob_text bytes = again.value.as.text;
            if (!again.ok || bytes.length != length || memcmp(bytes.at, message, length) != 0) return 1;
            read++;
        } else {
            if (value.value.kind != HOB_ERROR) return 2;
            refused++;
        }
        if (!hob_turn_(message, (uint32_t)length, handler)) return 3;
        free(message);
    }
    printf("%ld read, %ld refused\n", read, refused);
    return read && refused ? 0 : 4;
}
