/* SPDX-License-Identifier: Apache-2.0 */
#include "store/state.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

struct part {
    struct tph_str key; /* one byte of path, then the member; points behind the struct */
    struct tph_str text;
};

#define ABSENT UINT32_MAX

/* Whole undos of the largest objects must fit, with what the pieces cost beside the text. */
#define UNDO_MAX (TPH_LIMIT_DOCUMENT * 2)

static unsigned path_of(const struct part *part)
{
    return (unsigned char)part->key.p[0];
}

static struct tph_str member_of(const struct part *part)
{
    return tph_str_slice(part->key, 1, part->key.len);
}

/* Bytes that a part takes in the whole text, at most: escapes are six bytes for one. */
static size_t cost_of(struct tph_str member, struct tph_str text)
{
    size_t cost = text.len + sizeof("\"\":,") - 1;
    for (size_t i = 0; i < member.len; i++) {
        unsigned char c = (unsigned char)member.p[i];
        cost += c < ' ' || c == '"' || c == '\\' || c > '~' ? 6 : 1;
    }
    return cost;
}

static void put_key(struct tph_buf *key, unsigned path, struct tph_str member)
{
    tph_buf_clear(key);
    tph_buf_putc(key, (char)path);
    tph_buf_put(key, member);
}

void tph_state_release(struct tph_state *state)
{
    size_t at = 0;
    struct tph_str key;
    void *part;
    while (tph_map_next(&state->parts, &at, &key, &part)) {
        free(part);
    }
    tph_map_release(&state->parts);
    tph_parts_base_release(&state->base);
    *state = TPH_STATE_INIT;
}

static struct part *find(const struct tph_state *state, unsigned path, struct tph_str member)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf key = TPH_BUF_INIT(TPH_LIMIT_STORE_MEMBER + 1);
    put_key(&key, path, member);
    return tph_map_get(&state->parts, tph_buf_str(&key));
}

bool tph_state_find(const struct tph_state *state, unsigned path, struct tph_str member, struct tph_str *ret_text)
{
    const struct part *part = find(state, path, member);
    if (part) {
        *ret_text = part->text;
    }
    return part != NULL;
}

void tph_state_set(struct tph_state *state, unsigned path, struct tph_str member, struct tph_str text, bool absent)
{
    struct part *old = find(state, path, member);
    if (old) {
        (void)tph_map_remove(&state->parts, old->key);
        state->bytes -= cost_of(member_of(old), old->text);
    }
    if (!absent) {
        /* text may be that of the part that goes */
        struct part *part = tph_malloc(sizeof(*part) + 1 + member.len + text.len);
        char *at = (char *)(part + 1);
        at[0] = (char)path;
        memcpy(at + 1, tph_str_fmt_ptr(member), member.len);
        memcpy(at + 1 + member.len, tph_str_fmt_ptr(text), text.len);
        part->key = (struct tph_str){.p = at, .len = 1 + member.len};
        part->text = (struct tph_str){.p = at + 1 + member.len, .len = text.len};
        (void)tph_map_set(&state->parts, part->key, part);
        state->bytes += cost_of(member, part->text);
    }
    free(old);
}

void tph_state_set_base(struct tph_state *state, struct tph_str text, const size_t holes[TPH_PARTS_PATHS])
{
    state->bytes -= state->base.text.len;
    tph_buf_clear(&state->base.text);
    tph_buf_put(&state->base.text, text);
    memcpy(state->base.holes, holes, sizeof(state->base.holes));
    state->bytes += state->base.text.len;
}

void tph_state_copy(const struct tph_state *from, struct tph_state *to)
{
    tph_state_release(to);
    tph_state_set_base(to, tph_buf_str(&from->base.text), from->base.holes);
    size_t at = 0;
    struct tph_str key;
    void *part;
    while (tph_map_next(&from->parts, &at, &key, &part)) {
        tph_state_set(to, path_of(part), member_of(part), ((const struct part *)part)->text, false);
    }
    to->there = from->there;
    to->version = from->version;
}

bool tph_state_next(const struct tph_state *state, size_t *at, unsigned *ret_path, struct tph_str *ret_member,
                    struct tph_str *ret_text)
{
    struct tph_str key;
    void *value;
    if (!tph_map_next(&state->parts, at, &key, &value)) {
        return false;
    }
    const struct part *part = value;
    *ret_path = path_of(part);
    *ret_member = member_of(part);
    *ret_text = part->text;
    return true;
}

/* ---- undos ---- */

static void put_number(struct tph_buf *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        tph_buf_putc(out, (char)(number >> (8 * i) & 0xff));
    }
}

void tph_undo_put_base(struct tph_buf *undo, struct tph_str text, const size_t holes[TPH_PARTS_PATHS])
{
    tph_buf_putc(undo, 'T');
    for (size_t i = 0; i < TPH_PARTS_PATHS; i++) {
        put_number(undo, holes[i], 8);
    }
    put_number(undo, text.len, 4);
    tph_buf_put(undo, text);
}

void tph_undo_put_part(struct tph_buf *undo, unsigned path, struct tph_str member, struct tph_str text, bool absent)
{
    tph_buf_putc(undo, 'P');
    put_number(undo, path, 1);
    put_number(undo, member.len, 4);
    tph_buf_put(undo, member);
    put_number(undo, absent ? ABSENT : text.len, 4);
    if (!absent) {
        tph_buf_put(undo, text);
    }
}

static bool take_number(struct tph_str *rest, unsigned bytes, uint64_t *ret_number)
{
    if (rest->len < bytes) {
        return false;
    }
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++) {
        number |= (uint64_t)(unsigned char)rest->p[i] << (8 * i);
    }
    *rest = tph_str_slice(*rest, bytes, rest->len);
    *ret_number = number;
    return true;
}

static bool take_text(struct tph_str *rest, size_t len, struct tph_str *ret_text)
{
    if (len > rest->len) {
        return false;
    }
    *ret_text = tph_str_slice(*rest, 0, len);
    *rest = tph_str_slice(*rest, len, rest->len);
    return true;
}

static bool take_base(struct tph_str *rest, struct tph_undo_piece *piece)
{
    uint64_t number;
    piece->base = true;
    for (size_t i = 0; i < TPH_PARTS_PATHS; i++) {
        if (!take_number(rest, 8, &number)) {
            return false;
        }
        piece->holes[i] = number;
    }
    return take_number(rest, 4, &number) && take_text(rest, number, &piece->text) &&
           tph_parts_base_fits(piece->text, piece->holes);
}

static bool take_part(struct tph_str *rest, struct tph_undo_piece *piece)
{
    uint64_t path, len;
    if (!take_number(rest, 1, &path) || path >= TPH_PARTS_PATHS || !take_number(rest, 4, &len) ||
        len > TPH_LIMIT_STORE_MEMBER || !take_text(rest, len, &piece->member) || !take_number(rest, 4, &len)) {
        return false;
    }
    piece->path = (unsigned)path;
    piece->absent = len == ABSENT;
    return piece->absent || take_text(rest, len, &piece->text);
}

int tph_undo_next(struct tph_str *rest, struct tph_undo_piece *ret_piece)
{
    if (rest->len == 0) {
        return 0;
    }
    struct tph_undo_piece piece = {.base = false};
    char tag = rest->p[0];
    *rest = tph_str_slice(*rest, 1, rest->len);
    if (tag == 'T' ? !take_base(rest, &piece) : tag != 'P' || !take_part(rest, &piece)) {
        return -1;
    }
    *ret_piece = piece;
    return 1;
}

/* From the last piece to the first: one change may have touched a member twice. */
static int undo_pieces(struct tph_state *state, struct tph_str undo, struct tph_error *err)
{
    TPH_CLEANUP(tph_freep) struct tph_undo_piece *pieces = NULL;
    size_t n = 0, capacity = 0;
    struct tph_undo_piece piece;
    int more;
    while ((more = tph_undo_next(&undo, &piece)) > 0) {
        if (n == capacity) {
            capacity = capacity ? capacity * 2 : 8;
            pieces = tph_realloc(pieces, capacity * sizeof(*pieces));
        }
        pieces[n++] = piece;
    }
    if (more < 0) {
        return tph_error_set(err, TPH_ERROR_INVALID, "what an older change replaced cannot be read");
    }
    while (n-- > 0) {
        if (pieces[n].base) {
            tph_state_set_base(state, pieces[n].text, pieces[n].holes);
        } else {
            tph_state_set(state, pieces[n].path, pieces[n].member, pieces[n].text, pieces[n].absent);
        }
    }
    return 0;
}

int tph_state_undo(struct tph_state *state, enum tph_store_event_kind kind, struct tph_str undo, uint64_t previous,
                   struct tph_error *err)
{
    if (state->there == (kind == TPH_STORE_DELETED)) {
        return tph_error_set(err, TPH_ERROR_INVALID, "the history does not fit the object");
    }
    if (kind == TPH_STORE_ADDED) {
        tph_state_release(state);
        return 0;
    }
    state->there = true;
    state->version = previous;
    return undo_pieces(state, undo, err);
}

/* ---- changes ---- */

/* Records all parts; those of `unless`, if there, only where they are other there. */
static void record_parts(const struct tph_state *state, const struct tph_state *unless, struct tph_buf *undo)
{
    size_t at = 0;
    struct tph_str key;
    void *value;
    while (tph_map_next(&state->parts, &at, &key, &value)) {
        const struct part *part = value;
        const struct part *other = unless ? tph_map_get(&unless->parts, key) : NULL;
        if (!other || !tph_str_eq(other->text, part->text)) {
            tph_undo_put_part(undo, path_of(part), member_of(part), part->text, false);
        }
    }
}

static void record_absent(const struct tph_state *fresh, const struct tph_state *state, struct tph_buf *undo)
{
    size_t at = 0;
    struct tph_str key;
    void *value;
    while (tph_map_next(&fresh->parts, &at, &key, &value)) {
        if (!tph_map_get(&state->parts, key)) {
            tph_undo_put_part(undo, path_of(value), member_of(value), TPH_STR_NONE, true);
        }
    }
}

struct split {
    struct tph_state *into;
    size_t too_long; /* of members' names, the longest one beyond the ceiling */
};

static void take_member(void *owner, unsigned path, struct tph_str member, struct tph_str text)
{
    struct split *split = owner;
    if (member.len > TPH_LIMIT_STORE_MEMBER) {
        split->too_long = member.len > split->too_long ? member.len : split->too_long;
    } else {
        tph_state_set(split->into, path, member, text, false);
    }
}

static int too_large(size_t bytes, struct tph_error *err)
{
    return tph_error_set(err, TPH_ERROR_LIMIT, "the object would have %zu bytes, at most %zu are kept", bytes,
                         TPH_LIMIT_DOCUMENT);
}

/* Reads a whole text as a state of its own. */
static int read_whole(const struct tph_store_change *change, struct tph_state *fresh, struct tph_error *err)
{
    struct split split = {.into = fresh};
    if (tph_parts_split(change->key.resource, change->text, 0, &fresh->base, take_member, &split, err) < 0) {
        return -1;
    }
    fresh->bytes += fresh->base.text.len;
    if (split.too_long) {
        return tph_error_set(err, TPH_ERROR_LIMIT, "the name of a member has %zu bytes, at most %zu are kept",
                             split.too_long, TPH_LIMIT_STORE_MEMBER);
    }
    if (fresh->bytes > TPH_LIMIT_DOCUMENT) {
        return too_large(fresh->bytes, err);
    }
    fresh->there = true;
    return 0;
}

static void move(struct tph_state *to, struct tph_state *from)
{
    tph_state_release(to);
    *to = *from;
    *from = TPH_STATE_INIT;
}

static int replace(struct tph_state *state, const struct tph_store_change *change, struct tph_buf *undo,
                   struct tph_error *err)
{
    TPH_CLEANUP(tph_state_release) struct tph_state fresh = TPH_STATE_INIT;
    if (read_whole(change, &fresh, err) < 0) {
        return -1;
    }
    if (state->there) {
        if (!tph_str_eq(tph_buf_str(&state->base.text), tph_buf_str(&fresh.base.text)) ||
            memcmp(state->base.holes, fresh.base.holes, sizeof(fresh.base.holes)) != 0) {
            tph_undo_put_base(undo, tph_buf_str(&state->base.text), state->base.holes);
        }
        record_parts(state, &fresh, undo);
        record_absent(&fresh, state, undo);
    }
    move(state, &fresh);
    return 0;
}

/* What a merge makes of the base: the new text if there is one, and maps for the members that come. */
static int merge_base(struct tph_state *state, const struct tph_store_change *change, struct tph_buf *undo,
                      struct tph_error *err)
{
    unsigned open = 0;
    for (size_t i = 0; i < change->n_parts; i++) {
        const struct tph_store_part *part = &change->parts[i];
        bool there = state->base.holes[part->path] != 0;
        open |= part->text.len > 0 && (!there || change->text.len > 0) ? 1U << part->path : 0;
    }
    if (change->text.len == 0 && open == 0) {
        return 0;
    }
    for (unsigned i = 0; i < TPH_PARTS_PATHS; i++) {
        open |= state->base.holes[i] ? 1U << i : 0; /* the members that are there stay, so their map does */
    }
    TPH_CLEANUP(tph_parts_base_release) struct tph_parts_base base = TPH_PARTS_BASE_INIT;
    struct tph_str text = change->text.len > 0 ? change->text : tph_buf_str(&state->base.text);
    if (tph_parts_split(change->key.resource, text, open, &base, NULL, NULL, err) < 0) {
        return -1;
    }
    tph_undo_put_base(undo, tph_buf_str(&state->base.text), state->base.holes);
    tph_state_set_base(state, tph_buf_str(&base.text), base.holes);
    return 0;
}

static int merge(struct tph_state *state, const struct tph_store_change *change, struct tph_buf *undo,
                 struct tph_error *err)
{
    if (merge_base(state, change, undo, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < change->n_parts; i++) {
        const struct tph_store_part *part = &change->parts[i];
        struct tph_str old = TPH_STR_NONE;
        bool there = tph_state_find(state, part->path, part->member, &old);
        if (there || part->text.len > 0) {
            tph_undo_put_part(undo, part->path, part->member, old, !there);
            tph_state_set(state, part->path, part->member, part->text, part->text.len == 0);
        }
    }
    return 0;
}

static int merge_or_nothing(struct tph_state *state, const struct tph_store_change *change, struct tph_buf *undo,
                            struct tph_error *err)
{
    if (merge(state, change, undo, err) < 0) {
        return -1;
    }
    if (state->bytes > TPH_LIMIT_DOCUMENT) {
        size_t bytes = state->bytes;
        (void)undo_pieces(state, tph_buf_str(undo), NULL);
        tph_buf_clear(undo);
        return too_large(bytes, err);
    }
    return 0;
}

int tph_state_apply(struct tph_state *state, const struct tph_store_change *change, uint64_t version,
                    struct tph_buf *undo, struct tph_error *err)
{
    int r = 0;
    undo->max = UNDO_MAX;
    tph_buf_clear(undo);
    if (change->verb == TPH_STORE_CREATE) {
        if (state->there) {
            return TPH_STORE_EXISTS;
        }
    } else if (!state->there) {
        return TPH_STORE_NOT_FOUND;
    } else if (change->expected && change->expected != state->version) {
        return TPH_STORE_CONFLICT;
    }
    switch (change->verb) {
    case TPH_STORE_CREATE:
    case TPH_STORE_UPDATE:
        r = replace(state, change, undo, err);
        break;
    case TPH_STORE_MERGE:
        r = merge_or_nothing(state, change, undo, err);
        break;
    case TPH_STORE_DELETE:
        tph_undo_put_base(undo, tph_buf_str(&state->base.text), state->base.holes);
        record_parts(state, NULL, undo);
        tph_state_release(state);
        break;
    case TPH_STORE_VERB_COUNT:
        break;
    }
    if (r == 0) {
        state->version = version;
    }
    return r;
}

/* ---- text ---- */

static int by_key(const void *a, const void *b)
{
    const struct part *const *first = a;
    const struct part *const *second = b;
    return tph_str_cmp((*first)->key, (*second)->key);
}

int tph_state_text(const struct tph_state *state, struct tph_buf *out, struct tph_error *err)
{
    size_t n = tph_map_len(&state->parts);
    TPH_CLEANUP(tph_freep) const struct part **sorted = tph_malloc((n + 1) * sizeof(*sorted));
    size_t at = 0;
    struct tph_str key;
    void *part;
    for (size_t i = 0; tph_map_next(&state->parts, &at, &key, &part); i++) {
        sorted[i] = part;
    }
    qsort(sorted, n, sizeof(*sorted), by_key);
    struct tph_parts_join join;
    tph_parts_join_begin(&join, tph_buf_str(&state->base.text), state->base.holes, out);
    for (size_t i = 0; i < n; i++) {
        tph_parts_join_member(&join, path_of(sorted[i]), member_of(sorted[i]), sorted[i]->text);
    }
    tph_parts_join_end(&join);
    return tph_buf_failed(out) ? tph_error_set(err, TPH_ERROR_LIMIT, "the object has more than %zu bytes", out->max)
                               : 0;
}
