/* Values: what messages carry and what actors keep. */
#ifndef HOB_ACTOR_VALUE_H
#define HOB_ACTOR_VALUE_H

#include <string.h>

#include "memory.h"

/* Integers have 128 bits here; one that has more is refused when it is read. */
__extension__ typedef __int128 hob_int;
__extension__ typedef unsigned __int128 hob_uint;

/* Bytes that lie elsewhere: text in UTF-8, or any. They need not end with 0. */
typedef struct {
    const char *at;
    uint32_t length;
} hob_text;

/* A reference or a sealed box, as this turn calls it. One reference has one handle in a turn, so two are the same when their
 * handles are. It is good for this turn only: what shall be had in later turns is kept in the state. */
typedef struct {
    uint64_t handle;
} hob_cap;

/* No reference: where `hob_on` shall have no handler. */
#define HOB_NOBODY ((hob_cap){0})

typedef enum {
    HOB_UNDEFINED,
    HOB_NULL,
    HOB_BOOL,
    HOB_INT,
    HOB_FLOAT,
    HOB_STR,
    HOB_SYMBOL,
    HOB_BYTES,
    HOB_LIST,
    HOB_STRUCT,
    HOB_TAGGED,
    HOB_ERROR,
    HOB_CAP
} hob_kind;

typedef struct hob_value hob_value;
typedef struct hob_field hob_field;

/* A value of OCapN's model. */
struct hob_value {
    hob_kind kind;
    union {
        bool boolean;
        hob_int integer;
        double real;
        hob_text text; /* of a string, a symbol, bytes */
        struct {
            hob_value *items;
            uint32_t count;
        } list;
        struct {
            hob_field *items;
            uint32_t count;
        } fields; /* of a struct, in any order; no name twice */
        struct {
            hob_text tag;
            hob_value *value;
        } tagged;
        struct {
            hob_text rule, message;
        } error;
        hob_cap cap;
    } as;
};

struct hob_field {
    hob_text name;
    hob_value value;
};

/* A value, or with `ok` false the reason why there is none. */
typedef struct {
    bool ok;
    hob_value value;
} hob_result;

/* Values made of others keep what they were given where it is, but for the items of lists and structs, which are copied. Where
 * there is no memory left they trap. */

static inline hob_text hob_text_of(const char *text) { return (hob_text){text, (uint32_t)strlen(text)}; }

static inline hob_value hob_undefined(void) { return (hob_value){.kind = HOB_UNDEFINED}; }
static inline hob_value hob_null(void) { return (hob_value){.kind = HOB_NULL}; }
static inline hob_value hob_bool(bool it) { return (hob_value){.kind = HOB_BOOL, .as.boolean = it}; }
static inline hob_value hob_integer(hob_int it) { return (hob_value){.kind = HOB_INT, .as.integer = it}; }
static inline hob_value hob_real(double it) { return (hob_value){.kind = HOB_FLOAT, .as.real = it}; }
static inline hob_value hob_str_of(hob_text it) { return (hob_value){.kind = HOB_STR, .as.text = it}; }
static inline hob_value hob_str(const char *it) { return hob_str_of(hob_text_of(it)); }
static inline hob_value hob_symbol_of(hob_text it) { return (hob_value){.kind = HOB_SYMBOL, .as.text = it}; }
static inline hob_value hob_symbol(const char *it) { return hob_symbol_of(hob_text_of(it)); }
static inline hob_value hob_of_cap(hob_cap it) { return (hob_value){.kind = HOB_CAP, .as.cap = it}; }

static inline hob_value hob_bytes(const void *at, uint32_t length) {
    return (hob_value){.kind = HOB_BYTES, .as.text = {(const char *)at, length}};
}

static inline void *hob_copy_(const void *from, size_t bytes) {
    void *to = hob_alloc(bytes);
    if (!to) __builtin_trap();
    if (bytes) __builtin_memcpy(to, from, bytes);
    return to;
}

static inline hob_value hob_list(const hob_value *items, uint32_t count) {
    hob_value *kept = (hob_value *)hob_copy_(items, (size_t)count * sizeof *items);
    return (hob_value){.kind = HOB_LIST, .as.list = {kept, count}};
}

static inline hob_value hob_struct(const hob_field *fields, uint32_t count) {
    hob_field *kept = (hob_field *)hob_copy_(fields, (size_t)count * sizeof *fields);
    return (hob_value){.kind = HOB_STRUCT, .as.fields = {kept, count}};
}

/* HOB_LIST_OF(hob_integer(1), hob_str("a")): a list of these. */
#define HOB_LIST_OF(...)                                                                                               \
    hob_list((const hob_value[]){__VA_ARGS__}, sizeof((const hob_value[]){__VA_ARGS__}) / sizeof(hob_value))

static inline hob_value hob_tagged(hob_text tag, hob_value inner) {
    hob_value *kept = (hob_value *)hob_copy_(&inner, sizeof inner);
    return (hob_value){.kind = HOB_TAGGED, .as.tagged = {tag, kept}};
}

static inline hob_value hob_error(hob_text rule, hob_text message) {
    return (hob_value){.kind = HOB_ERROR, .as.error = {rule, message}};
}

/* An error as data, to fail with. */
static inline hob_value hob_problem(const char *rule, const char *message) {
    return hob_error(hob_text_of(rule), hob_text_of(message));
}

static inline hob_result hob_ok(hob_value value) { return (hob_result){true, value}; }
static inline hob_result hob_not(hob_value reason) { return (hob_result){false, reason}; }

static inline bool hob_text_is(hob_text it, const char *text) {
    return it.length == strlen(text) && (it.length == 0 || memcmp(it.at, text, it.length) == 0);
}

static inline bool hob_same_text_(hob_text a, hob_text b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

/* The integer, when it is one of 64 bits. */
static inline bool hob_as_int(const hob_value *it, int64_t *integer) {
    if (it->kind != HOB_INT || it->as.integer < INT64_MIN || it->as.integer > INT64_MAX) return false;
    *integer = (int64_t)it->as.integer;
    return true;
}

/* The reference, when it is one. */
static inline bool hob_as_cap(const hob_value *it, hob_cap *cap) {
    if (it->kind != HOB_CAP) return false;
    *cap = it->as.cap;
    return true;
}

/* The name, when it is a symbol or a string. */
static inline bool hob_as_name(const hob_value *it, hob_text *name) {
    if (it->kind != HOB_SYMBOL && it->kind != HOB_STR) return false;
    *name = it->as.text;
    return true;
}

/* What a struct has under this name; NULL when there is nothing, or it is no struct. */
static inline const hob_value *hob_field_of(const hob_value *it, const char *name) {
    if (it->kind != HOB_STRUCT) return NULL;
    for (uint32_t at = 0; at < it->as.fields.count; at++) {
        if (hob_text_is(it->as.fields.items[at].name, name)) return &it->as.fields.items[at].value;
    }
    return NULL;
}

/* Whether two values are the same: references by their handles, floats as numbers, fields of structs in their order. */
static inline bool hob_same(const hob_value *a, const hob_value *b) {
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case HOB_UNDEFINED:
    case HOB_NULL: return true;
    case HOB_BOOL: return a->as.boolean == b->as.boolean;
    case HOB_INT: return a->as.integer == b->as.integer;
    case HOB_FLOAT: return a->as.real == b->as.real;
    case HOB_STR:
    case HOB_SYMBOL:
    case HOB_BYTES: return hob_same_text_(a->as.text, b->as.text);
    case HOB_CAP: return a->as.cap.handle == b->as.cap.handle;
    case HOB_ERROR:
        return hob_same_text_(a->as.error.rule, b->as.error.rule) &&
               hob_same_text_(a->as.error.message, b->as.error.message);
    case HOB_TAGGED:
        return hob_same_text_(a->as.tagged.tag, b->as.tagged.tag) && hob_same(a->as.tagged.value, b->as.tagged.value);
    case HOB_LIST:
        if (a->as.list.count != b->as.list.count) return false;
        for (uint32_t at = 0; at < a->as.list.count; at++) {
            if (!hob_same(&a->as.list.items[at], &b->as.list.items[at])) return false;
        }
        return true;
    case HOB_STRUCT:
        if (a->as.fields.count != b->as.fields.count) return false;
        for (uint32_t at = 0; at < a->as.fields.count; at++) {
            const hob_field *x = &a->as.fields.items[at], *y = &b->as.fields.items[at];
            if (!hob_same_text_(x->name, y->name) || !hob_same(&x->value, &y->value)) return false;
        }
        return true;
    }
    return false;
}

#endif
