/* Uses all of the SDK: one method for each thing that an actor can do. */
#include <hob/actor.h>

HOB_GRANTED(test, twice)

static hob_outcome done(hob_result result) {
    return result.ok ? hob_answer(hob_undefined()) : hob_fail(result.value);
}

/* Names that are out of order when they are written, and the same in all languages. */
static hob_result unsorted(void) {
    const char *const names[] = {"b", "aa", "bbbbbbbbbb", "", "a"};
    hob_field fields[5];
    for (int at = 0; at < 5; at++) fields[at] = (hob_field){hob_text_of(names[at]), hob_integer(at)};
    return hob_encode(hob_struct(fields, 5));
}

static hob_cap cap_of(const hob_value *it) {
    hob_cap cap = HOB_NOBODY;
    hob_as_cap(it, &cap);
    return cap;
}

static hob_outcome turn(const hob_turn *turn) {
    const hob_value *args = turn->args + 1, *rest = turn->args + 2;
    uint32_t count = turn->count - 1;
    if (hob_method_from(turn, "echo", 0)) return hob_answer(hob_list(args, count));
    if (hob_method_from(turn, "keep", 0)) return hob_become(hob_list(args, count), turn->state);
    if (hob_method(turn, "encode", 1)) return hob_pass(hob_encode(args[0]));
    if (hob_method(turn, "decode", 1) && args[0].kind == HOB_BYTES) {
        return hob_pass(hob_decode(args[0].as.text.at, args[0].as.text.length));
    }
    if (hob_method(turn, "unsorted", 0)) return hob_pass(unsorted());
    if (hob_method(turn, "fail", 1)) return hob_fail(args[0]);
    if (hob_method(turn, "same", 2)) return hob_answer(hob_bool(hob_same(&args[0], &args[1])));
    if (hob_method(turn, "me", 0)) return hob_answer(hob_of_cap(turn->me));
    if (hob_method_from(turn, "send", 1)) return hob_pass(hob_send(cap_of(args), rest, count - 1));
    if (hob_method_from(turn, "send-only", 1)) return done(hob_send_only(cap_of(args), rest, count - 1));
    if (hob_method_from(turn, "call", 1)) return hob_pass(hob_call(cap_of(args), rest, count - 1));
    if (hob_method(turn, "spawn", 1)) return hob_pass(hob_spawn(args[0]));
    if (hob_method(turn, "resolve", 2)) return done(hob_resolve(cap_of(args), args[1]));
    if (hob_method(turn, "break", 2)) return done(hob_break(cap_of(args), args[1]));
    if (hob_method(turn, "granted", 1)) return hob_pass(twice(args[0]));
    if (hob_method(turn, "promise", 0)) {
        hob_cap promise, resolver;
        hob_result made = hob_promise(&promise, &resolver);
        if (!made.ok) return hob_fail(made.value);
        return hob_answer(HOB_LIST_OF(hob_of_cap(promise), hob_of_cap(resolver)));
    }
    if (hob_method(turn, "on", 4)) {
        return hob_pass(hob_on(cap_of(&args[0]), cap_of(&args[1]), cap_of(&args[2]), cap_of(&args[3])));
    }
    if (hob_method(turn, "drop", 1)) {
        hob_result dropped = hob_drop(cap_of(args));
        return dropped.ok ? hob_answer(hob_drop(cap_of(args)).value) : hob_fail(dropped.value);
    }
    if (hob_method(turn, "fuel", 0)) {
        uint64_t before = hob_fuel();
        return hob_answer(hob_bool(hob_fuel() < before));
    }
    return hob_no_method(turn);
}

HOB_ACTOR(turn)
