/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events become a tree of nodes, and its complaints go-yaml's. The one place that sees libyaml.
 *
 * go-yaml v2 is a port of an older libyaml: where the two differ on what is an error, go-yaml decides.
 */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "data/yaml_internal.h"

/* A walk over the text in characters, as libyaml counts them. */
struct cursor {
    size_t character;
    size_t byte;
};

/* libyaml refuses "{b:, c}", go-yaml takes "b:" for the key. Such colons are hidden behind a character that the text
 * does not have; this many of them. */
enum { MOST_HIDDEN = 16 };

struct builder {
    yaml_parser_t parser;
    struct tph_str hidden; /* the character that stands for a colon, if any */
    bool hide;             /* parsing ended at such a colon */
    size_t hide_at;        /* its byte */
    struct tph_str text;
    struct cursor cursor;
    bool watch_escapes; /* the text has "\/" somewhere, which go-yaml refuses in double quotes */
    struct tph_arena *arena;
    struct tph_map anchors; /* name -> node */
    struct tph_yaml_failure *failure;
    size_t n_nodes;
    size_t depth;
    struct tph_yaml_node *open[TPH_LIMIT_YAML_DEPTH]; /* collections around the next node */
    struct tph_yaml_node *last[TPH_LIMIT_YAML_DEPTH]; /* their last children */
    struct tph_yaml_node *root;
};

static struct tph_position place_of(yaml_mark_t mark)
{
    return (struct tph_position){.line = mark.line + 1, .column = mark.column + 1};
}

/* go-yaml prints the line of a problem only when it is not the first, and counts those of the parser from 0. */
static int complain(struct builder *b, yaml_mark_t mark, size_t line, const char *problem)
{
    char where[40] = "";
    if (line > 0) {
        (void)snprintf(where, sizeof(where), "line %zu: ", line);
    }
    b->failure->at = place_of(mark);
    return tph_error_set(b->failure->err, TPH_ERROR_INVALID, "yaml: %s%s", where, problem);
}

/* Byte offset of a character, counting on from the last one asked for. */
static size_t byte_of(struct builder *b, size_t character)
{
    struct cursor *c = &b->cursor;
    while (c->character < character && c->byte < b->text.len) {
        c->byte++;
        while (c->byte < b->text.len && ((unsigned char)b->text.p[c->byte] & 0xc0) == 0x80) {
            c->byte++;
        }
        c->character++;
    }
    return c->byte;
}

/* A reader knows bytes only, and is ahead of the scanner. */
static yaml_mark_t mark_of_byte(struct tph_str text, size_t byte)
{
    yaml_mark_t mark = {.index = byte};
    for (size_t i = 0; i < byte && i < text.len; i++) {
        if (text.p[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static int parser_failed(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        abort();
    }
    if (p->error == YAML_SCANNER_ERROR && strcmp(p->problem, "found unexpected ':'") == 0) {
        b->hide = true;
        b->hide_at = byte_of(b, p->mark.index);
    }
    size_t line = p->problem_mark.line;
    if (line > 0) {
        line += p->error == YAML_SCANNER_ERROR ? 1 : 0;
    } else {
        line = p->context_mark.line;
    }
    yaml_mark_t mark = p->problem_mark;
    if (p->error == YAML_READER_ERROR) {
        mark = mark_of_byte(b->text, p->problem_offset);
    }
    return complain(b, mark, line, p->problem ? p->problem : "unknown problem parsing YAML content");
}

static int limit_hit(struct builder *b, const yaml_event_t *event, const char *what, int limit)
{
    b->failure->at = place_of(event->start_mark);
    return tph_error_set(b->failure->err, TPH_ERROR_LIMIT, "yaml: %s %d", what, limit);
}

/* Newer libyaml takes "\/" in double quotes, go-yaml does not. */
static int check_escapes(struct builder *b, const yaml_event_t *event)
{
    if (!b->watch_escapes || event->data.scalar.style != YAML_DOUBLE_QUOTED_SCALAR_STYLE) {
        return 0;
    }
    yaml_mark_t mark = event->start_mark;
    size_t at = byte_of(b, mark.index);
    size_t end = byte_of(b, event->end_mark.index);
    for (bool escaped = false; at + 1 < end; at++) {
        char c = b->text.p[at];
        if (escaped && c == '/') {
            mark.column--; /* to the backslash */
            return complain(b, mark, mark.line > 0 ? mark.line + 1 : 0, "found unknown escape character");
        }
        escaped = c == '\\' && !escaped;
        if (c == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)c & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return 0;
}

static const char *tag_of(struct builder *b, const yaml_char_t *tag)
{
    static const char prefix[] = "tag:yaml.org,2002:";
    if (!tag) {
        return NULL;
    }
    struct tph_str text = tph_str((const char *)tag);
    if (tph_str_has_prefix(text, TPH_STR("tag:yaml.org,2002:"))) {
        return tph_arena_strdup(b->arena, tph_str_slice(text, sizeof(prefix) - 1, text.len));
    }
    /* Tags of others mean nothing to us, but must not look like YAML's own. */
    return tph_arena_format(b->arena, "!%s", (const char *)tag);
}

/* Hangs a new node where it belongs. */
static int add_node(struct builder *b, const yaml_event_t *event, enum tph_yaml_kind kind, const yaml_char_t *anchor,
                    struct tph_yaml_node **ret_node)
{
    if (++b->n_nodes > TPH_LIMIT_YAML_NODES) {
        return limit_hit(b, event, "more values in one document than", TPH_LIMIT_YAML_NODES);
    }
    struct tph_yaml_node *node = TPH_ARENA_NEW(b->arena, struct tph_yaml_node);
    node->kind = kind;
    node->at = place_of(event->start_mark);
    if (b->depth == 0) {
        b->root = node;
    } else {
        struct tph_yaml_node *parent = b->open[b->depth - 1];
        if (parent->first) {
            b->last[b->depth - 1]->next = node;
        } else {
            parent->first = node;
        }
        b->last[b->depth - 1] = node;
        parent->n++;
    }
    if (anchor && kind != TPH_YAML_ALIAS) {
        struct tph_str name = tph_arena_str(b->arena, tph_str((const char *)anchor));
        (void)tph_map_set(&b->anchors, name, node);
    }
    *ret_node = node;
    return 0;
}

/* The text with its hidden colons. */
static struct tph_str show_colons(struct builder *b, struct tph_str text)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf shown = TPH_BUF_INIT(text.len);
    for (ptrdiff_t at = tph_str_find(text, b->hidden); at >= 0; at = tph_str_find(text, b->hidden)) {
        (void)tph_buf_put(&shown, tph_str_slice(text, 0, (size_t)at));
        (void)tph_buf_putc(&shown, ':');
        text = tph_str_slice(text, (size_t)at + b->hidden.len, text.len);
    }
    (void)tph_buf_put(&shown, text);
    return tph_arena_str(b->arena, tph_buf_str(&shown));
}

/* How far a block is indented: its first line that is not blank, less what of that belongs to the text. */
static size_t indent_of(struct builder *b, const yaml_event_t *event, struct tph_str text)
{
    size_t at = byte_of(b, event->start_mark.index);
    size_t end = byte_of(b, event->end_mark.index);
    size_t spaces = 0;
    size_t own = 0;
    while (at < end && b->text.p[at] != '\n') {
        at++;
    }
    for (; at < end && (b->text.p[at] == '\n' || b->text.p[at] == '\r' || b->text.p[at] == ' '); at++) {
        spaces = b->text.p[at] == ' ' ? spaces + 1 : 0;
    }
    for (size_t i = 0; i < text.len && (text.p[i] == '\n' || text.p[i] == ' '); i++) {
        own = text.p[i] == ' ' ? own + 1 : 0;
    }
    return spaces > own ? spaces - own : 0;
}

static int add_scalar(struct builder *b, const yaml_event_t *event)
{
    struct tph_yaml_node *node = NULL;
    if (check_escapes(b, event) < 0 || add_node(b, event, TPH_YAML_SCALAR, event->data.scalar.anchor, &node) < 0) {
        return -1;
    }
    struct tph_str text = {.p = (const char *)event->data.scalar.value, .len = event->data.scalar.length};
    node->text = b->hidden.len > 0 ? show_colons(b, text) : tph_arena_str(b->arena, text);
    node->tag = tag_of(b, event->data.scalar.tag);
    node->implicit = event->data.scalar.plain_implicit != 0;
    node->literal = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
    node->indent = node->literal ? indent_of(b, event, text) : 0;
    return 0;
}

static int add_alias(struct builder *b, const yaml_event_t *event)
{
    struct tph_yaml_node *node = NULL;
    if (add_node(b, event, TPH_YAML_ALIAS, NULL, &node) < 0) {
        return -1;
    }
    node->text = tph_arena_str(b->arena, tph_str((const char *)event->data.alias.anchor));
    node->target = tph_map_get(&b->anchors, node->text);
    if (!node->target) {
        b->failure->at = node->at;
        return tph_error_set(b->failure->err, TPH_ERROR_INVALID, "yaml: unknown anchor '%.*s' referenced",
                             TPH_FMT(node->text));
    }
    return 0;
}

static int open_collection(struct builder *b, const yaml_event_t *event, enum tph_yaml_kind kind,
                           const yaml_char_t *anchor)
{
    struct tph_yaml_node *node = NULL;
    if (b->depth == TPH_LIMIT_YAML_DEPTH) {
        return limit_hit(b, event, "exceeded max depth of", TPH_LIMIT_YAML_DEPTH);
    }
    if (add_node(b, event, kind, anchor, &node) < 0) {
        return -1;
    }
    b->open[b->depth++] = node;
    return 0;
}

/* go-yaml knows YAML 1.1 only. */
static int check_version(struct builder *b, const yaml_event_t *event)
{
    const yaml_version_directive_t *version = event->data.document_start.version_directive;
    if (version && (version->major != 1 || version->minor != 1)) {
        return complain(b, event->start_mark, event->start_mark.line, "found incompatible YAML document");
    }
    return 0;
}

/* Takes one event in. Sets *done at the end of the first document, or of a stream without one. */
static int take_event(struct builder *b, const yaml_event_t *event, bool *done)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return check_version(b, event);
    case YAML_SCALAR_EVENT:
        return add_scalar(b, event);
    case YAML_ALIAS_EVENT:
        return add_alias(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_collection(b, event, TPH_YAML_SEQUENCE, event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return open_collection(b, event, TPH_YAML_MAPPING, event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return 0;
    case YAML_DOCUMENT_END_EVENT:
    case YAML_STREAM_END_EVENT:
        *done = true;
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
        return 0;
    }
    return 0;
}

static int build(struct builder *b)
{
    for (bool done = false; !done;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event)) {
            return parser_failed(b);
        }
        int failed = take_event(b, &event, &done);
        yaml_event_delete(&event);
        if (failed < 0) {
            return -1;
        }
    }
    return 0;
}

/* Reads b->text. 1 when a colon must be hidden first. */
static int read_text(struct builder *b)
{
    if (!yaml_parser_initialize(&b->parser)) {
        abort(); /* no memory */
    }
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)tph_str_fmt_ptr(b->text), b->text.len);
    b->cursor = (struct cursor){.byte = tph_str_has_prefix(b->text, TPH_STR("\xef\xbb\xbf")) ? 3 : 0};
    b->n_nodes = 0;
    b->depth = 0;
    b->root = NULL;
    b->hide = false;
    int failed = build(b);
    yaml_parser_delete(&b->parser);
    tph_map_release(&b->anchors);
    return failed < 0 && b->hide ? 1 : failed;
}

/* A character of the private use area that text does not have. */
static bool choose_hidden(struct tph_str text, char character[4])
{
    for (unsigned char last = 0x80; last < 0xc0; last++) {
        (void)snprintf(character, 4, "\xee\x80%c", last);
        if (tph_str_find(text, tph_str(character)) < 0) {
            return true;
        }
    }
    return false;
}

/* Hides the colon at `at` in a new copy of the text. */
static void hide_colon(struct builder *b, size_t at, char **owned)
{
    struct tph_buf changed = TPH_BUF_INIT(b->text.len + b->hidden.len);
    (void)tph_buf_put(&changed, tph_str_slice(b->text, 0, at));
    (void)tph_buf_put(&changed, b->hidden);
    (void)tph_buf_put(&changed, tph_str_slice(b->text, at + 1, b->text.len));
    free(*owned);
    *owned = tph_buf_take(&changed, &b->text.len);
    b->text.p = *owned;
}

int tph_yaml_tree(struct tph_str text, struct tph_arena *arena, struct tph_yaml_node **ret_root,
                  struct tph_yaml_failure *failure)
{
    /* Too large for the stack of a small thread. */
    TPH_CLEANUP(tph_freep) struct builder *b = TPH_NEW(struct builder);
    TPH_CLEANUP(tph_freep) char *owned = NULL;
    char hidden[4];
    b->text = text;
    b->arena = arena;
    b->failure = failure;
    b->watch_escapes = tph_str_find(text, TPH_STR("\\/")) >= 0;
    int failed = read_text(b);
    for (int n = 0; failed > 0 && n < MOST_HIDDEN; n++) {
        if (b->hide_at >= b->text.len || b->text.p[b->hide_at] != ':' || (n == 0 && !choose_hidden(text, hidden))) {
            break;
        }
        b->hidden = tph_str(hidden);
        hide_colon(b, b->hide_at, &owned);
        failed = read_text(b);
    }
    if (failed == 0) {
        *ret_root = b->root;
    }
    return failed == 0 ? 0 : -1;
}
