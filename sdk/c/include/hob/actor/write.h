/* Syrup, written in its canonical form: fields in the order of their keys, one NaN. */
#ifndef HOB_ACTOR_WRITE_H
#define HOB_ACTOR_WRITE_H

#include "read.h"

/* Bytes that are written. The first thing that went wrong is kept, and ends what is written. */
typedef struct {
    char *at;
    uint32_t length, room;
    int depth;
    const char *wrong;
} hob_writer_;

HOB_APART_ void hob_put_(hob_writer_ *w, const void *from, uint32_t count) {
    if (w->wrong || !count) return;
    if (count > w->room - w->length) {
        uint64_t wider = (uint64_t)w->room * 2 + count + 112;
        char *moved = wider > INT32_MAX ? NULL : (char *)hob_widen_(w->at, w->room, (size_t)wider);
        if (!moved) {
            w->wrong = "there is no memory left to write it";
            return;
        }
        w->at = moved;
        w->room = (uint32_t)wider;
    }
    memcpy(w->at + w->length, from, count);
    w->length += count;
}

static inline void hob_put_char_(hob_writer_ *w, char it) { hob_put_(w, &it, 1); }

HOB_APART_ void hob_put_number_(hob_writer_ *w, hob_uint number, char mark) {
    char digits[40];
    unsigned at = sizeof digits;
    digits[--at] = mark;
    /* Most numbers are small, and dividing large ones takes long. */
    while (number >> 64) {
        digits[--at] = (char)('0' + (unsigned)(number % 10));
        number /= 10;
    }
    uint64_t small = (uint64_t)number;
    do digits[--at] = (char)('0' + small % 10);
    while (small /= 10);
    hob_put_(w, digits + at, (uint32_t)sizeof digits - at);
}

static inline void hob_put_text_(hob_writer_ *w, char mark, hob_text text) {
    hob_put_number_(w, text.length, mark);
    hob_put_(w, text.at, text.length);
}

static inline void hob_open_(hob_writer_ *w, const char *label) {
    hob_put_char_(w, '<');
    hob_put_text_(w, '\'', hob_text_of(label));
}

static inline void hob_sift_(const hob_field **heap, uint32_t at, uint32_t count) {
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= count) return;
        if (child + 1 < count && hob_key_order_(heap[child]->name, heap[child + 1]->name) < 0) child++;
        if (hob_key_order_(heap[at]->name, heap[child]->name) >= 0) return;
        const hob_field *moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

/* The fields in the order of their keys; NULL when there is no memory left. */
HOB_APART_ const hob_field **hob_sorted_(const hob_field *fields, uint32_t count) {
    const hob_field **sorted = (const hob_field **)hob_alloc((size_t)count * sizeof *sorted);
    if (!sorted) return NULL;
    for (uint32_t at = 0; at < count; at++) sorted[at] = &fields[at];
    for (uint32_t at = count / 2; at-- > 0;) hob_sift_(sorted, at, count);
    for (uint32_t last = count; last-- > 1;) {
        const hob_field *moved = sorted[0];
        sorted[0] = sorted[last];
        sorted[last] = moved;
        hob_sift_(sorted, 0, last);
    }
    return sorted;
}

HOB_APART_ void hob_put_value_(hob_writer_ *w, const hob_value *it);

HOB_APART_ void hob_put_fields_(hob_writer_ *w, const hob_field *fields, uint32_t count) {
    bool in_order = true;
    for (uint32_t at = 1; at < count && in_order; at++) {
        in_order = hob_key_order_(fields[at - 1].name, fields[at].name) < 0;
    }
    const hob_field **sorted = NULL;
    if (!in_order && !(sorted = hob_sorted_(fields, count))) {
        w->wrong = "there is no memory left to write it";
        return;
    }
    hob_put_char_(w, '{');
    for (uint32_t at = 0; at < count; at++) {
        const hob_field *field = sorted ? sorted[at] : &fields[at];
        /* The same name twice stays for the host to refuse. */
        hob_put_text_(w, '"', field->name);
        hob_put_value_(w, &field->value);
    }
    hob_put_char_(w, '}');
}

HOB_APART_ void hob_put_float_(hob_writer_ *w, double real) {
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (real == real) memcpy(&bits, &real, sizeof bits);
    char bytes[9] = {'D'};
    for (int at = 8; at > 0; at--, bits >>= 8) bytes[at] = (char)(bits & 0xff);
    hob_put_(w, bytes, sizeof bytes);
}

HOB_APART_ void hob_put_value_(hob_writer_ *w, const hob_value *it) {
    if (w->wrong) return;
    if (w->depth == HOB_DEPTH_MAX_) {
        w->wrong = "a value of more than 128 levels";
        return;
    }
    w->depth++;
    switch (it->kind) {
    case HOB_UNDEFINED:
    case HOB_NULL:
        hob_open_(w, it->kind == HOB_NULL ? "null" : "void");
        hob_put_char_(w, '>');
        break;
    case HOB_BOOL: hob_put_char_(w, it->as.boolean ? 't' : 'f'); break;
    case HOB_INT:
        if (it->as.integer < 0) hob_put_number_(w, -(hob_uint)it->as.integer, '-');
        else hob_put_number_(w, (hob_uint)it->as.integer, '+');
        break;
    case HOB_FLOAT: hob_put_float_(w, it->as.real); break;
    case HOB_STR: hob_put_text_(w, '"', it->as.text); break;
    case HOB_SYMBOL: hob_put_text_(w, '\'', it->as.text); break;
    case HOB_BYTES: hob_put_text_(w, ':', it->as.text); break;
    case HOB_LIST:
        hob_put_char_(w, '[');
        for (uint32_t at = 0; at < it->as.list.count; at++) hob_put_value_(w, &it->as.list.items[at]);
        hob_put_char_(w, ']');
        break;
    case HOB_STRUCT: hob_put_fields_(w, it->as.fields.items, it->as.fields.count); break;
    case HOB_TAGGED:
        hob_open_(w, "desc:tagged");
        hob_put_text_(w, '\'', it->as.tagged.tag);
        hob_put_value_(w, it->as.tagged.value);
        hob_put_char_(w, '>');
        break;
    case HOB_ERROR:
        hob_open_(w, "desc:error");
        hob_put_text_(w, '"', it->as.error.message);
        hob_put_text_(w, '\'', it->as.error.rule);
        hob_put_char_(w, '>');
        break;
    case HOB_CAP:
        hob_open_(w, "desc:cap");
        hob_put_number_(w, it->as.cap.handle, '+');
        hob_put_char_(w, '>');
        break;
    }
    w->depth--;
}

static inline hob_value hob_not_encodable_(const hob_writer_ *w) { return hob_problem("not-encodable", w->wrong); }

/* These are the bytes of the value: `value` is bytes, or why they could not be written. */
static inline hob_result hob_encode(hob_value it) {
    hob_writer_ w = {0};
    hob_put_value_(&w, &it);
    return w.wrong ? hob_not(hob_not_encodable_(&w)) : hob_ok(hob_bytes(w.at, w.length));
}

#endif
