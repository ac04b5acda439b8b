/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML document becomes JSON values: text -> nodes (yaml_tree.c) -> values (yaml_value.c), and streams are cut into
 * documents. */
#include "data/yaml.h"

#include "data/yaml_internal.h"
#include "data/yaml_value.h"

int tph_yaml_parse(struct tph_str text, unsigned flags, struct tph_json_doc **ret_doc, struct tph_yaml_places *places,
                   struct tph_error *err)
{
    struct tph_yaml_failure failure = {.err = err};
    TPH_CLEANUP(tph_arena_freep) struct tph_arena *arena = tph_arena_new();
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_yaml_node *root = NULL;
    if (tph_yaml_tree(text, arena, &root, &failure) < 0 || tph_yaml_value(root, arena, flags, doc, &failure) < 0) {
        if (places) {
            places->error = failure.at;
        }
        return -1;
    }
    if (places) {
        places->positions = flags & TPH_YAML_POSITIONS ? tph_positions_of(TPH_TAKE(arena), root) : NULL;
    }
    *ret_doc = TPH_TAKE(doc);
    return 0;
}

bool tph_yaml_next_document(struct tph_yaml_stream *stream, struct tph_str *ret_document)
{
    if (!stream->rest.p) {
        return false;
    }
    ptrdiff_t at = tph_str_find(stream->rest, TPH_STR("\n---"));
    struct tph_str document = at < 0 ? stream->rest : tph_str_slice(stream->rest, 0, (size_t)at);
    stream->line = stream->next_line;
    for (size_t i = 0; i < document.len; i++) {
        stream->next_line += document.p[i] == '\n' ? 1 : 0;
    }
    stream->next_line++; /* the newline in front of the dashes */
    stream->rest = at < 0 ? TPH_STR_NONE : tph_str_slice(stream->rest, (size_t)at + 4, stream->rest.len);
    *ret_document = document;
    return true;
}
