/* SPDX-License-Identifier: Apache-2.0 */
/* known.txt: rows of handled tables that are not run, one "FILE KIND|#ID|* REASON..." a line; '#' at the front
 * comments. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "golden.h"

struct line {
    struct line *next;
    char *file;
    char *which; /* in.kind, "#id", or "*" */
    char *reason;
};

struct golden_known {
    struct line *first;
};

struct golden_known *golden_known_load(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        return NULL;
    }
    struct golden_known *known = TPH_NEW(struct golden_known);
    struct line **last = &known->first;
    char *text = NULL;
    size_t size = 0;
    while (getline(&text, &size, file) >= 0) {
        struct tph_str rest = tph_str_trim(tph_str(text));
        struct tph_str name;
        struct tph_str which;
        if (rest.len == 0 || rest.p[0] == '#' || !tph_str_cut(&rest, ' ', &name) || !tph_str_cut(&rest, ' ', &which)) {
            continue;
        }
        struct line *line = TPH_NEW(struct line);
        line->file = tph_str_dup(name);
        line->which = tph_str_dup(which);
        line->reason = tph_str_dup(rest);
        *last = line;
        last = &line->next;
    }
    free(text);
    (void)fclose(file);
    return known;
}

void golden_known_free(struct golden_known *known)
{
    while (known && known->first) {
        struct line *line = known->first;
        known->first = line->next;
        free(line->file);
        free(line->which);
        free(line->reason);
        free(line);
    }
    free(known);
}

const char *golden_known_reason(const struct golden_known *known, const struct golden_case *c)
{
    struct tph_str kind = tph_json_get_str(c->in, "kind");
    for (const struct line *line = known ? known->first : NULL; line; line = line->next) {
        bool all = strcmp(line->which, "*") == 0;
        bool id = line->which[0] == '#' && tph_str_eqz(c->id, line->which + 1);
        if (strcmp(line->file, c->file) == 0 && (all || id || tph_str_eqz(kind, line->which))) {
            return line->reason;
        }
    }
    return NULL;
}
