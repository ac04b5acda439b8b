/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with {{tags}}: cut into pieces once, put together many times.
 *
 * A tag is what stands between {{ and the first }} after it. Simple tags name a variable; one that begins with = is an
 * expression. In {{a.{{b}}}} the inner tag is replaced first, which leaves {{a.VALUE}} for a later pass. What is a
 * variable, and which unknown ones are an error, is said by a pass. Pure; nothing here knows of workflows.
 * Source: argo 2.6; reference data template.jsonl.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct tph_text_piece {
    struct tph_str literal; /* bytes before the tag */
    struct tph_str raw;     /* between the braces, as written; p NULL in the last piece: no tag */
    struct tph_str name;    /* raw without blanks around */
    struct tph_str inner;   /* of a nested tag: what follows the last {{ in raw; else p NULL */
};

struct tph_text {
    struct tph_str source;               /* the whole text */
    const struct tph_text_piece *pieces; /* in the arena */
    size_t n_pieces;
    bool has_expression; /* a tag begins with = */
    bool has_nested;     /* a tag has another one in it */
};

/* Cuts text, which must outlive the result, into pieces in the arena. Never fails: an unclosed tag is literal. */
struct tph_text tph_text_compile(struct tph_str text, struct tph_arena *arena);

/* True when there is no tag at all: the text is its own value. */
bool tph_text_is_plain(const struct tph_text *text);

/* What a variable is. */
enum tph_text_value {
    TPH_TEXT_UNKNOWN,  /* nobody has heard of it */
    TPH_TEXT_VALUE,    /* its text was appended */
    TPH_TEXT_ABSENT,   /* known, but without a value: an output of a node that was skipped */
    TPH_TEXT_NO_STRING /* known, but not a text */
};
typedef enum tph_text_value tph_text_lookup(void *owner, struct tph_str name, struct tph_buf *value);

/* Which unknown variables are an error; others stay as they are written, for a later pass. */
enum tph_text_strictness {
    TPH_TEXT_LENIENT,
    TPH_TEXT_STRICT,  /* all */
    TPH_TEXT_PREFIXES /* those whose first part is one of prefixes, but for references to artifacts */
};

enum {
    TPH_TEXT_JSON = 1,      /* the text is JSON, tags stand inside its strings: values are escaped */
    TPH_TEXT_GO_QUOTES = 2, /* values go through Go's quotes, as in Argo: some control characters are an error then */
    TPH_TEXT_GO_READS = 4,  /* which its JSON reader comes by, not the replacement: in its words */
};

struct tph_text_pass;

/* Evaluates an expression tag, whose source has its JSON escapes undone. Returns 0 and appends the result as JSON to
 * value: a string stands in the text without its quotes, anything else as it is. Otherwise TPH_TEXT_LEFT (nothing is
 * known of it yet: the tag stays), TPH_TEXT_UNRESOLVED or -1 with Argo's words appended to problem. */
typedef int tph_text_expression(const struct tph_text_pass *pass, struct tph_str source, struct tph_buf *value,
                                struct tph_buf *problem);

struct tph_text_pass {
    tph_text_lookup *lookup;
    tph_text_expression *expression; /* NULL: expression tags stay as they are written */
    void *owner;
    enum tph_text_strictness strictness;
    const struct tph_str *prefixes;
    size_t n_prefixes;
    unsigned flags;
    bool again; /* result: braces came in with a value, so that a later pass may see new tags */
};

/* Appends the text. Returns 0; TPH_TEXT_UNRESOLVED when a variable that had to be known is not, or -1 for what no
 * later pass can mend: both with Argo's words appended to problem. out is then of no use. */
enum {
    TPH_TEXT_UNRESOLVED = 1,
    TPH_TEXT_LEFT = 2,        /* only from an expression */
    TPH_TEXT_ABSENT_WHOLE = 3 /* only from scopes: the text is one tag, for something that is absent */
};
int tph_text_eval(const struct tph_text *text, struct tph_text_pass *pass, struct tph_buf *out, struct tph_buf *problem)
    TPH_MUST_CHECK;

/* One pass over a JSON text that is not compiled yet: cuts it, puts it together and sees that it was and is JSON. */
int tph_text_replace_json(struct tph_str json, struct tph_text_pass *pass, struct tph_buf *out, struct tph_buf *problem)
    TPH_MUST_CHECK;

/* The one variable that a reference names, with braces or without: its text is appended to value. Returns what it is;
 * for TPH_TEXT_UNKNOWN problem has Argo's words. */
enum tph_text_value tph_text_resolve(struct tph_str reference, const struct tph_text_pass *pass, struct tph_buf *value,
                                     struct tph_buf *problem);
