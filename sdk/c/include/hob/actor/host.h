/* What an actor can ask of its host during a turn.
 *
 * A failure is the reason as a value. It ends nothing: who does not deal with it answers `hob_fail(result.value)`, and then the
 * turn never happened.
 */
#ifndef HOB_ACTOR_HOST_H
#define HOB_ACTOR_HOST_H

#include "write.h"

#ifdef __wasm__
#define HOB_ACTOR_IMPORT_(module, name) __attribute__((import_module(module), import_name(name))) extern
#else
#define HOB_ACTOR_IMPORT_(module, name) extern
#endif

HOB_ACTOR_IMPORT_("hob_actor", "send") int64_t hob_raw_send_(const void *at, uint32_t length);
HOB_ACTOR_IMPORT_("hob_actor", "send_only") int64_t hob_raw_send_only_(const void *at, uint32_t length);
HOB_ACTOR_IMPORT_("hob_actor", "call") int64_t hob_raw_call_(const void *at, uint32_t length);
HOB_ACTOR_IMPORT_("hob_actor", "spawn") int64_t hob_raw_spawn_(const void *at, uint32_t length);
HOB_ACTOR_IMPORT_("hob_actor", "promise") int64_t hob_raw_promise_(void *at);
HOB_ACTOR_IMPORT_("hob_actor", "resolve") int64_t hob_raw_resolve_(const void *at, uint32_t length);
HOB_ACTOR_IMPORT_("hob_actor", "break") int64_t hob_raw_break_(const void *at, uint32_t length);
HOB_ACTOR_IMPORT_("hob_actor", "on") int64_t hob_raw_on_(const void *at, uint32_t length);
HOB_ACTOR_IMPORT_("hob_actor", "drop") int64_t hob_raw_drop_(uint64_t handle);
HOB_ACTOR_IMPORT_("hob_actor", "take") int64_t hob_raw_take_(void *at);
HOB_ACTOR_IMPORT_("hob_actor", "fuel") int64_t hob_raw_fuel_(void);

typedef int64_t hob_function_(const void *at, uint32_t length);

static inline hob_result hob_taken_(int64_t length) {
    void *at = length > INT32_MAX ? NULL : hob_alloc((size_t)length);
    if (!at) return hob_not(hob_problem("limit", "there is no memory left for the answer"));
    hob_raw_take_(at);
    return hob_decode(at, (uint32_t)length);
}

/* What the host said of itself: 0 and more, or with a reason less. */
static inline hob_result hob_told_(int64_t answer) {
    if (answer >= 0) return hob_ok(hob_undefined());
    return hob_not(hob_taken_(-answer).value);
}

static inline hob_result hob_told_cap_(int64_t answer) {
    return answer >= 0 ? hob_ok(hob_of_cap((hob_cap){(uint64_t)answer})) : hob_told_(answer);
}

static inline hob_result hob_told_value_(int64_t answer) { return answer >= 0 ? hob_taken_(answer) : hob_told_(answer); }

/* Asks with a list of values. A negative answer that no host gives says that the values could not be written. */
#define HOB_UNWRITTEN_ INT64_MIN

static inline int64_t hob_ask_(hob_function_ *function, const hob_value *value, hob_result *wrong) {
    hob_writer_ w = {0};
    hob_put_value_(&w, value);
    if (w.wrong) {
        *wrong = hob_not(hob_not_encodable_(&w));
        return HOB_UNWRITTEN_;
    }
    return function(w.at, w.length);
}

static inline int64_t hob_ask_message_(hob_function_ *function, hob_cap to, const hob_value *args, uint32_t count,
                                       hob_result *wrong) {
    hob_value list = {.kind = HOB_LIST, .as.list = {(hob_value *)args, count}};
    hob_value items[2] = {hob_of_cap(to), list};
    hob_value message = {.kind = HOB_LIST, .as.list = {items, 2}};
    return hob_ask_(function, &message, wrong);
}

/* Sends a message. The value is the promise for what comes of it. */
static inline hob_result hob_send(hob_cap to, const hob_value *args, uint32_t count) {
    hob_result wrong;
    int64_t answer = hob_ask_message_(hob_raw_send_, to, args, count, &wrong);
    return answer == HOB_UNWRITTEN_ ? wrong : hob_told_cap_(answer);
}

/* Sends a message whose result nobody wants. */
static inline hob_result hob_send_only(hob_cap to, const hob_value *args, uint32_t count) {
    hob_result wrong;
    int64_t answer = hob_ask_message_(hob_raw_send_only_, to, args, count, &wrong);
    return answer == HOB_UNWRITTEN_ ? wrong : hob_told_(answer);
}

/* Calls something near, and waits for its answer. */
static inline hob_result hob_call(hob_cap to, const hob_value *args, uint32_t count) {
    hob_result wrong;
    int64_t answer = hob_ask_message_(hob_raw_call_, to, args, count, &wrong);
    return answer == HOB_UNWRITTEN_ ? wrong : hob_told_value_(answer);
}

/* Makes another actor of this module. The value is its reference. */
static inline hob_result hob_spawn(hob_value state) {
    hob_result wrong;
    int64_t answer = hob_ask_(hob_raw_spawn_, &state, &wrong);
    return answer == HOB_UNWRITTEN_ ? wrong : hob_told_cap_(answer);
}

/* Makes a promise, and the right to keep or break it. */
static inline hob_result hob_promise(hob_cap *promise, hob_cap *resolver) {
    unsigned char handles[16] = {0};
    hob_result told = hob_told_(hob_raw_promise_(handles));
    promise->handle = resolver->handle = 0;
    for (int at = 7; at >= 0; at--) {
        promise->handle = promise->handle << 8 | handles[at];
        resolver->handle = resolver->handle << 8 | handles[8 + at];
    }
    return told;
}

static inline hob_result hob_settle_(hob_function_ *function, hob_cap resolver, hob_value value) {
    hob_value items[2] = {hob_of_cap(resolver), value};
    hob_value message = {.kind = HOB_LIST, .as.list = {items, 2}};
    hob_result wrong;
    int64_t answer = hob_ask_(function, &message, &wrong);
    return answer == HOB_UNWRITTEN_ ? wrong : hob_told_(answer);
}

/* Keeps a promise. */
static inline hob_result hob_resolve(hob_cap resolver, hob_value value) {
    return hob_settle_(hob_raw_resolve_, resolver, value);
}

/* Breaks a promise. */
static inline hob_result hob_break(hob_cap resolver, hob_value reason) {
    return hob_settle_(hob_raw_break_, resolver, reason);
}

/* Does something when a promise is settled: each handler is sent what it is for, and HOB_NOBODY is none. The value is the
 * promise for what the handler answers. */
static inline hob_result hob_on(hob_cap vow, hob_cap fulfilled, hob_cap broken, hob_cap finally) {
    hob_cap caps[4] = {vow, fulfilled, broken, finally};
    hob_value items[4];
    for (int at = 0; at < 4; at++) items[at] = caps[at].handle ? hob_of_cap(caps[at]) : hob_bool(false);
    hob_value message = {.kind = HOB_LIST, .as.list = {items, 4}};
    hob_result wrong;
    int64_t answer = hob_ask_(hob_raw_on_, &message, &wrong);
    return answer == HOB_UNWRITTEN_ ? wrong : hob_told_cap_(answer);
}

/* Gives a handle up. */
static inline hob_result hob_drop(hob_cap cap) { return hob_told_(hob_raw_drop_(cap.handle)); }

/* Units of work that the turn has left. */
static inline uint64_t hob_fuel(void) { return (uint64_t)hob_raw_fuel_(); }

/* Asks a function that the host granted; see HOB_GRANTED. */
static inline hob_result hob_ask_granted(hob_function_ *function, hob_value value) {
    hob_result wrong;
    int64_t answer = hob_ask_(function, &value, &wrong);
    return answer == HOB_UNWRITTEN_ ? wrong : hob_told_value_(answer);
}

/* Names a function that the host must grant: HOB_GRANTED(geb, kind) makes `hob_result kind(hob_value)` of the import `geb.kind`.
 * A host that does not grant it cannot load the module. */
#define HOB_GRANTED(module, name)                                                                                      \
    HOB_ACTOR_IMPORT_(#module, #name) int64_t hob_granted_##module##_##name(const void *at, uint32_t length);          \
    static inline hob_result name(hob_value value) { return hob_ask_granted(hob_granted_##module##_##name, value); }

#endif
