/* Actors for hob in C: the guest's side of the contract actor/1.0 (docs/abi/actor.md). C11, for clang: `zig cc -target wasm32-wasi
 * -mexec-model=reactor`.
 *
 * A function gets a turn and says what comes next; HOB_ACTOR makes the exports of it:
 *
 *     #include <hob/actor.h>
 *
 *     static hob_outcome turn(const hob_turn *turn) {
 *         int64_t count = 0;
 *         hob_as_int(&turn->state, &count);
 *         return hob_become(hob_integer(count + 1), hob_integer(count + 1));
 *     }
 *
 *     HOB_ACTOR(turn)
 *
 * What `hob_alloc` gives, and all values, are there until the turn is over. Names that end in _ are not for use.
 */
#ifndef HOB_ACTOR_H
#define HOB_ACTOR_H

#include "actor/host.h"

/* What an actor is called with. */
typedef struct {
    hob_cap me;      /* the actor itself */
    hob_value state; /* what it keeps */
    hob_value *args; /* the arguments of the message */
    uint32_t count;
} hob_turn;

/* What comes of a turn. */
typedef struct {
    enum { HOB_ANSWERS_, HOB_BECOMES_, HOB_FAILS_ } what;
    hob_value state, value;
} hob_outcome;

/* The caller is told this; the actor stays as it is. */
static inline hob_outcome hob_answer(hob_value value) { return (hob_outcome){.what = HOB_ANSWERS_, .value = value}; }

/* The actor keeps `state` from now on; the caller is told `value`. */
static inline hob_outcome hob_become(hob_value state, hob_value value) {
    return (hob_outcome){HOB_BECOMES_, state, value};
}

/* The turn never happened, for this reason. */
static inline hob_outcome hob_fail(hob_value reason) { return (hob_outcome){.what = HOB_FAILS_, .value = reason}; }

/* What came of asking the host is what comes of the turn: the answer, or why it never happened. */
static inline hob_outcome hob_pass(hob_result result) {
    return result.ok ? hob_answer(result.value) : hob_fail(result.value);
}

/* Whether this method is asked for, with so many arguments besides its name. */
static inline bool hob_method(const hob_turn *turn, const char *name, uint32_t args) {
    hob_text asked;
    return turn->count == args + 1 && hob_as_name(&turn->args[0], &asked) && hob_text_is(asked, name);
}

/* Whether this method is asked for, with so many arguments or more. */
static inline bool hob_method_from(const hob_turn *turn, const char *name, uint32_t args) {
    hob_text asked;
    return turn->count > args && hob_as_name(&turn->args[0], &asked) && hob_text_is(asked, name);
}

/* The method that was asked for is none of this actor's. */
static inline hob_outcome hob_no_method(const hob_turn *turn) {
    hob_text name = {"", 0};
    if (turn->count) hob_as_name(&turn->args[0], &name);
    return hob_fail(hob_error(hob_text_of("no-method"), name));
}

typedef hob_outcome hob_handler_(const hob_turn *turn);
typedef hob_result hob_upgrade_(uint32_t from, hob_value state);

static inline uint64_t hob_pack_(const char *at, uint32_t length) { return (uint64_t)(uintptr_t)at << 32 | length; }

static inline uint64_t hob_written_(hob_outcome outcome) {
    static const char *const labels[] = {"answer", "become", "fail"};
    hob_writer_ w = {0};
    hob_open_(&w, labels[outcome.what]);
    if (outcome.what == HOB_BECOMES_) hob_put_value_(&w, &outcome.state);
    hob_put_value_(&w, &outcome.value);
    hob_put_char_(&w, '>');
    if (!w.wrong) return hob_pack_(w.at, w.length);
    static const char sorry[] = "<4'fail<10'desc:error28\"the answer cannot be written13'not-encodable>>";
    return hob_pack_(sorry, sizeof sorry - 1);
}

static inline void *hob_message_(uint32_t size) {
    hob_forget_();
    return hob_alloc(size ? size : 1);
}

static inline bool hob_open_message_(hob_reader_ *r, const char *label) {
    hob_text found;
    if (!hob_expect_(r, '<') || !hob_text_of_kind_(r, '\'', &found)) return false;
    return hob_text_is(found, label) || hob_bad_(r);
}

static inline uint64_t hob_turn_(const void *at, uint32_t length, hob_handler_ *handler) {
    hob_reader_ r = hob_reader_of_(at, length);
    hob_turn turn;
    hob_value me, args;
    bool read = hob_open_message_(&r, "turn") && hob_value_of_(&r, &me) &&
                (hob_as_cap(&me, &turn.me) || hob_bad_(&r)) && hob_value_of_(&r, &turn.state) &&
                hob_value_of_(&r, &args) && (args.kind == HOB_LIST || hob_bad_(&r)) && hob_expect_(&r, '>') &&
                hob_finish_(&r);
    if (!read) return hob_written_(hob_fail(r.reason));
    turn.args = args.as.list.items;
    turn.count = args.as.list.count;
    return hob_written_(handler(&turn));
}

static inline uint64_t hob_upgraded_(const void *at, uint32_t length, hob_upgrade_ *upgrade) {
    hob_reader_ r = hob_reader_of_(at, length);
    hob_value from, state;
    bool read = hob_open_message_(&r, "upgrade") && hob_value_of_(&r, &from) &&
                ((from.kind == HOB_INT && from.as.integer >= 0 && from.as.integer <= UINT32_MAX) || hob_bad_(&r)) &&
                hob_value_of_(&r, &state) && hob_expect_(&r, '>') && hob_finish_(&r);
    if (!read) return hob_written_(hob_fail(r.reason));
    hob_result made = upgrade((uint32_t)from.as.integer, state);
    return hob_written_(made.ok ? hob_become(made.value, hob_undefined()) : hob_fail(made.value));
}

#define HOB_EXPORT_(name) __attribute__((export_name(name)))

/* Makes the exports of a module of `hob_outcome handler(const hob_turn *)`. Its states have version 0. */
#define HOB_ACTOR(handler)                                                                                             \
    HOB_EXPORT_("alloc") void *hob_export_alloc_(uint32_t size) { return hob_message_(size); }                         \
    HOB_EXPORT_("turn") uint64_t hob_export_turn_(const void *at, uint32_t length) {                                   \
        return hob_turn_(at, length, handler);                                                                         \
    }

/* The same for states of another version, with `hob_result upgrade(uint32_t from, hob_value state)` that makes them of older ones. */
#define HOB_ACTOR_VERSION(handler, version, upgrade)                                                                   \
    HOB_ACTOR(handler)                                                                                                 \
    HOB_ACTOR_SECTION("1.0 become " #version);                                                                         \
    HOB_EXPORT_("upgrade") uint64_t hob_export_upgrade_(const void *at, uint32_t length) {                             \
        return hob_upgraded_(at, length, upgrade);                                                                     \
    }

/* The custom section hob-actor: HOB_ACTOR_SECTION("1.0 resident 0"); besides HOB_ACTOR makes a module whose memory stays. */
#define HOB_ACTOR_SECTION(words)                                                                                       \
    __asm__(".section \".custom_section.hob-actor\",\"\",@\n"                                                          \
            ".ascii \"" words "\"\n"                                                                                   \
            ".text\n")

#endif
