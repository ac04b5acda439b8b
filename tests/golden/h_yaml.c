/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.jsonl: YAMLToJSON, YAMLToJSONStrict and Argo's way to cut a file; yaml_emit.jsonl: JSONToYAML. */
#include "base/limits.h"
#include "data/base64.h"
#include "data/yaml.h"
#include "golden.h"

/* got[json_key] or got[error_key]. */
static void convert(struct golden_case *c, struct tph_str text, unsigned flags, const char *json_key,
                    const char *error_key)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_yaml_parse(text, flags, &doc, NULL, &err) < 0) {
        golden_set(c, error_key, tph_str(err.text));
    } else {
        golden_set_json(c, json_key, tph_json_root(doc), TPH_JSON_SORTED | TPH_JSON_HTML);
    }
}

static void split(struct golden_case *c, struct tph_str text)
{
    struct tph_json *parts = tph_json_new_array(c->doc);
    struct tph_yaml_stream stream = {.rest = text.p ? text : TPH_STR("")};
    struct tph_str part;
    while (tph_yaml_next_document(&stream, &part)) {
        tph_json_append(c->doc, parts, tph_json_new_str(c->doc, part));
    }
    if (tph_json_len(parts) > 1) {
        tph_json_set(c->doc, c->got, "argo_split", parts);
    }
}

void golden_yaml(struct golden_case *c)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_json *got = golden_object(c);
    if (tph_base64_decode(golden_in(c, "b64"), &text) < 0) {
        c->skip = "in.b64 is no base64";
        return;
    }
    convert(c, tph_buf_str(&text), 0, "json", "error");
    convert(c, tph_buf_str(&text), TPH_YAML_STRICT, "strict_json", "strict_error");
    /* Recorded only where it differs. */
    if (tph_json_get(got, "json") && tph_json_equal(tph_json_get(got, "strict_json"), tph_json_get(got, "json"))) {
        (void)tph_json_remove(got, "strict_json");
    }
    split(c, tph_buf_str(&text));
}

void golden_yaml_emit(struct golden_case *c)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_buf_release) struct tph_buf yaml = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    struct tph_error err = TPH_ERROR_INIT;
    (void)golden_object(c);
    /* JSONToYAML reads its JSON with the YAML reader. */
    if (tph_yaml_parse(golden_in(c, "json"), TPH_YAML_FLOATS, &doc, NULL, &err) < 0 ||
        tph_yaml_write(tph_json_root(doc), &yaml, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
        return;
    }
    golden_set_buf(c, "yaml", &yaml);
}
