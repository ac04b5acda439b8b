/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: what is read and written reads as an equal value; what strict takes, lenient reads alike; an error has a text
 * and a place in the file; positions are found for every path, and cutting documents loses nothing but the dashes. */
#include "base/buf.h"
#include "base/limits.h"
#include "data/yaml.h"
#include "fuzz.h"

/* go-yaml has characters that it writes raw but reads as line breaks, or not at all: no identity to ask for. */
static bool has_odd_characters(struct tph_str text)
{
    return tph_str_find(text, TPH_STR("\xc2\x85")) >= 0 || tph_str_find(text, TPH_STR("\xe2\x80\xa8")) >= 0 ||
           tph_str_find(text, TPH_STR("\xe2\x80\xa9")) >= 0;
}

/* What go-yaml itself does not read back: its writer leaves the key "<<" bare, and -0 becomes 0. */
static bool is_stable(const struct tph_json *value)
{
    if (tph_str_eqz(tph_json_number_text(value), "-0")) {
        return false;
    }
    struct tph_json_iter it = tph_json_iter(value);
    while (tph_json_next(&it)) {
        if ((it.key.p && tph_str_eqz(it.key, "<<")) || !is_stable(it.value)) {
            return false;
        }
    }
    return true;
}

static void reads_back(const struct tph_json *value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *again = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    FUZZ_HOLDS(tph_yaml_write(value, &text, NULL) == 0);
    if (has_odd_characters(tph_buf_str(&text)) || !is_stable(value)) {
        return;
    }
    if (tph_yaml_parse(tph_buf_str(&text), TPH_YAML_STRICT, &again, NULL, &err) < 0 ||
        !tph_json_equal(value, tph_json_root(again))) {
        fprintf(stderr, "%s\n%s\n", err.text, tph_buf_cstr(&text));
        FUZZ_HOLDS(!"what was written reads as another value");
    }
}

static void find_positions(const struct tph_positions *positions, const struct tph_json *value, struct tph_buf *path,
                           int *left)
{
    FUZZ_HOLDS(tph_positions_find(positions, tph_buf_str(path)).line > 0);
    struct tph_json_iter it = tph_json_iter(value);
    while (--*left > 0 && tph_json_next(&it)) {
        size_t len = path->len;
        if (it.key.p) {
            tph_path_key(path, it.key);
        } else {
            tph_path_index(path, it.index);
        }
        find_positions(positions, it.value, path, left);
        path->len = len;
    }
}

static void cut(struct tph_str text)
{
    struct tph_yaml_stream stream = {.rest = text};
    struct tph_str part;
    size_t total = 0;
    size_t n = 0;
    for (; tph_yaml_next_document(&stream, &part); n++) {
        total += part.len;
    }
    FUZZ_HOLDS(n > 0 && total + 4 * (n - 1) == text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_yaml_places places = {.positions = NULL};
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = NULL;
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *strict = NULL;
    cut(text);
    if (tph_yaml_parse(text, TPH_YAML_POSITIONS, &doc, &places, &err) < 0) {
        FUZZ_HOLDS(err.text[0] && places.error.line > 0 && places.error.column > 0 && !places.positions);
        FUZZ_HOLDS(tph_yaml_parse(text, TPH_YAML_STRICT, &strict, NULL, NULL) < 0);
        return 0;
    }
    TPH_CLEANUP(tph_positions_freep) struct tph_positions *positions = places.positions;
    TPH_CLEANUP(tph_buf_release) struct tph_buf path = TPH_BUF_INIT(TPH_LIMIT_MANIFEST);
    int left = 200;
    if (!tph_json_is_null(tph_json_root(doc))) {
        find_positions(positions, tph_json_root(doc), &path, &left);
    }
    if (tph_yaml_parse(text, TPH_YAML_STRICT, &strict, NULL, NULL) == 0) {
        FUZZ_HOLDS(tph_json_equal(tph_json_root(doc), tph_json_root(strict)));
    }
    reads_back(tph_json_root(doc));
    return 0;
}
