/* Syrup, read: what the host writes, which is canonical. Anything else is refused, with a reason and without a crash. */
#ifndef HOB_ACTOR_READ_H
#define HOB_ACTOR_READ_H

#include "value.h"

/* Levels that are followed; the host's values have fewer. */
#define HOB_DEPTH_MAX_ 128

typedef struct {
    const char *at, *end;
    int depth;
    hob_value reason;
} hob_reader_;

/* What begins with digits: an integer, or text of some kind. */
typedef struct {
    char mark;
    hob_int integer;
    hob_text text;
} hob_number_;

HOB_APART_ bool hob_bad_(hob_reader_ *r) {
    r->reason = hob_problem("bad-message", "the message is none that this actor can read");
    return false;
}

HOB_APART_ bool hob_limit_(hob_reader_ *r, const char *message) {
    r->reason = hob_problem("limit", message);
    return false;
}

static inline bool hob_no_room_(hob_reader_ *r) { return hob_limit_(r, "there is no memory left for the message"); }

HOB_APART_ bool hob_utf8_(hob_text text) {
    const unsigned char *at = (const unsigned char *)text.at, *end = at + text.length;
    while (at < end) {
        unsigned first = *at++;
        if (first < 0x80) continue;
        unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || (size_t)(end - at) < more) return false;
        /* The shortest form, no surrogates, nothing past U+10FFFF: all show in the second byte. */
        unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (*at < low || *at > high) return false;
        for (at++; --more; at++) {
            if ((*at & 0xc0) != 0x80) return false;
        }
    }
    return true;
}

HOB_APART_ bool hob_number_of_(hob_reader_ *r, hob_number_ *out) {
    const hob_uint most = ~(hob_uint)0;
    const char *from = r->at;
    hob_uint large = 0;
    uint64_t small = 0;
    bool wide = false, over = false;
    /* Most numbers fit into a word, and reckoning with two takes long. */
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        unsigned digit = (unsigned)(*r->at - '0');
        if (!wide && small > (UINT64_MAX - 9) / 10) {
            wide = true;
            large = small;
        }
        if (!wide) small = small * 10 + digit;
        else if (large > most / 10 || large * 10 > most - digit) over = true;
        else large = large * 10 + digit;
    }
    size_t digits = (size_t)(r->at - from);
    if (digits == 0 || r->at == r->end || (digits > 1 && *from == '0')) return hob_bad_(r);
    if (!wide) large = small;
    out->mark = *r->at++;
    const hob_uint half = (hob_uint)1 << 127;
    switch (out->mark) {
    case '+':
        if (over || large >= half) return hob_limit_(r, "integer-bits limit exceeded: 128 allowed");
        out->integer = (hob_int)large;
        return true;
    case '-':
        if (large == 0 && !over) return hob_bad_(r);
        if (over || large > half) return hob_limit_(r, "integer-bits limit exceeded: 128 allowed");
        out->integer = -(hob_int)(large - 1) - 1;
        return true;
    case ':':
    case '"':
    case '\'':
        if (over || large > (size_t)(r->end - r->at)) return hob_bad_(r);
        out->text = (hob_text){r->at, (uint32_t)large};
        r->at += (size_t)large;
        return out->mark == ':' || hob_utf8_(out->text) || hob_bad_(r);
    default: return hob_bad_(r);
    }
}

static inline bool hob_text_of_kind_(hob_reader_ *r, char mark, hob_text *out) {
    hob_number_ number;
    if (!hob_number_of_(r, &number)) return false;
    if (number.mark != mark) return hob_bad_(r);
    *out = number.text;
    return true;
}

static inline bool hob_expect_(hob_reader_ *r, char wanted) {
    if (r->at == r->end || *r->at != wanted) return hob_bad_(r);
    r->at++;
    return true;
}

static inline bool hob_at_(const hob_reader_ *r, char mark) { return r->at < r->end && *r->at == mark; }

/* How keys of structs are ordered: as they are written, so the length counts first, digit by digit. */
HOB_APART_ int hob_key_order_(hob_text a, hob_text b) {
    if (a.length != b.length) {
        char x[11], y[11];
        char *texts[2] = {x, y};
        uint32_t lengths[2] = {a.length, b.length};
        for (int which = 0; which < 2; which++) {
            char digits[10];
            int count = 0, at = 0;
            uint32_t rest = lengths[which];
            do digits[count++] = (char)('0' + rest % 10);
            while (rest /= 10);
            while (count) texts[which][at++] = digits[--count];
            texts[which][at] = '"';
        }
        for (int at = 0;; at++) {
            if (x[at] != y[at]) return x[at] < y[at] ? -1 : 1;
        }
    }
    return a.length ? memcmp(a.at, b.at, a.length) : 0;
}

HOB_APART_ bool hob_value_of_(hob_reader_ *r, hob_value *out);

/* Makes room for one item more. */
static inline void *hob_more_(void *items, uint32_t count, uint32_t *room, size_t size) {
    if (count < *room) return items;
    uint32_t wider = *room ? *room * 2 : 4;
    if (wider > UINT32_MAX / 64) return NULL;
    void *moved = hob_widen_(items, (size_t)*room * size, (size_t)wider * size);
    if (moved) *room = wider;
    return moved;
}

HOB_APART_ bool hob_items_(hob_reader_ *r, hob_value *out) {
    hob_value *items = NULL;
    uint32_t count = 0, room = 0;
    while (!hob_at_(r, ']')) {
        hob_value item;
        if (!hob_value_of_(r, &item)) return false;
        items = (hob_value *)hob_more_(items, count, &room, sizeof *items);
        if (!items) return hob_no_room_(r);
        items[count++] = item;
    }
    r->at++;
    *out = (hob_value){.kind = HOB_LIST, .as.list = {items, count}};
    return true;
}

HOB_APART_ bool hob_fields_(hob_reader_ *r, hob_value *out) {
    hob_field *items = NULL;
    uint32_t count = 0, room = 0;
    while (!hob_at_(r, '}')) {
        hob_field field;
        if (!hob_text_of_kind_(r, '"', &field.name)) return false;
        if (count && hob_key_order_(items[count - 1].name, field.name) >= 0) return hob_bad_(r);
        if (!hob_value_of_(r, &field.value)) return false;
        items = (hob_field *)hob_more_(items, count, &room, sizeof *items);
        if (!items) return hob_no_room_(r);
        items[count++] = field;
    }
    r->at++;
    *out = (hob_value){.kind = HOB_STRUCT, .as.fields = {items, count}};
    return true;
}

HOB_APART_ bool hob_record_(hob_reader_ *r, hob_value *out) {
    hob_text label;
    if (!hob_text_of_kind_(r, '\'', &label)) return false;
    if (hob_text_is(label, "void")) {
        *out = hob_undefined();
    } else if (hob_text_is(label, "null")) {
        *out = hob_null();
    } else if (hob_text_is(label, "desc:cap")) {
        hob_number_ number;
        if (!hob_number_of_(r, &number)) return false;
        if (number.mark != '+' || number.integer == 0 || number.integer > UINT64_MAX) return hob_bad_(r);
        *out = hob_of_cap((hob_cap){(uint64_t)number.integer});
    } else if (hob_text_is(label, "desc:tagged")) {
        hob_text tag;
        if (!hob_text_of_kind_(r, '\'', &tag)) return false;
        hob_value *inner = (hob_value *)hob_alloc(sizeof *inner);
        if (!inner) return hob_no_room_(r);
        if (!hob_value_of_(r, inner)) return false;
        *out = (hob_value){.kind = HOB_TAGGED, .as.tagged = {tag, inner}};
    } else if (hob_text_is(label, "desc:error")) {
        hob_text message, rule;
        if (!hob_text_of_kind_(r, '"', &message) || !hob_text_of_kind_(r, '\'', &rule)) return false;
        *out = hob_error(rule, message);
    } else {
        return hob_bad_(r);
    }
    return hob_expect_(r, '>');
}

HOB_APART_ bool hob_float_(hob_reader_ *r, hob_value *out) {
    if (r->end - r->at < 8) return hob_bad_(r);
    uint64_t bits = 0;
    for (int at = 0; at < 8; at++) bits = bits << 8 | (unsigned char)*r->at++;
    double real;
    memcpy(&real, &bits, sizeof real);
    /* There is one NaN. */
    if (real != real && bits != UINT64_C(0x7ff8000000000000)) return hob_bad_(r);
    *out = hob_real(real);
    return true;
}

HOB_APART_ bool hob_value_of_(hob_reader_ *r, hob_value *out) {
    if (r->at == r->end) return hob_bad_(r);
    if (r->depth == HOB_DEPTH_MAX_) return hob_limit_(r, "depth limit exceeded: 128 allowed");
    r->depth++;
    bool done = true;
    switch (*r->at) {
    case 't':
    case 'f': *out = hob_bool(*r->at++ == 't'); break;
    case 'D': r->at++, done = hob_float_(r, out); break;
    case '[': r->at++, done = hob_items_(r, out); break;
    case '{': r->at++, done = hob_fields_(r, out); break;
    case '<': r->at++, done = hob_record_(r, out); break;
    default: {
        hob_number_ number;
        done = hob_number_of_(r, &number);
        if (!done) break;
        if (number.mark == '"') *out = hob_str_of(number.text);
        else if (number.mark == '\'') *out = hob_symbol_of(number.text);
        else if (number.mark == ':') *out = hob_bytes(number.text.at, number.text.length);
        else *out = hob_integer(number.integer);
    }
    }
    r->depth--;
    return done;
}

static inline hob_reader_ hob_reader_of_(const void *at, uint32_t length) {
    return (hob_reader_){.at = (const char *)at, .end = (const char *)at + length};
}

static inline bool hob_finish_(hob_reader_ *r) { return r->at == r->end || hob_bad_(r); }

/* The value that these bytes are. Text in it lies where the bytes do. */
static inline hob_result hob_decode(const void *at, uint32_t length) {
    hob_reader_ r = hob_reader_of_(at, length);
    hob_value value;
    if (hob_value_of_(&r, &value) && hob_finish_(&r)) return hob_ok(value);
    return hob_not(r.reason);
}

#endif
