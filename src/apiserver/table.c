/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/table.h"

#include <inttypes.h>
#include <string.h>

#include "apiserver/table_cells.h"
#include "base/limits.h"
#include "data/time.h"

int tph_table_object_read(struct tph_str text, enum tph_table_object *ret_object, struct tph_error *err)
{
    if (text.len == 0 || tph_str_eqz(text, "Metadata")) {
        *ret_object = TPH_TABLE_METADATA;
    } else if (tph_str_eqz(text, "Object")) {
        *ret_object = TPH_TABLE_OBJECT;
    } else if (tph_str_eqz(text, "None")) {
        *ret_object = TPH_TABLE_NONE;
    } else {
        return tph_error_set(err, TPH_ERROR_INVALID,
                             "Unable to convert to Table as requested: includeObject: Invalid value: \"%.*s\": must be "
                             "'Metadata', 'Object', 'None', or empty",
                             TPH_FMT(text));
    }
    return 0;
}

/* As kubectl's own ages: the longer ago, the coarser. */
static void write_span(int64_t seconds, struct tph_buf *out)
{
    int64_t minutes = seconds / 60;
    int64_t hours = minutes / 60;
    int64_t days = hours / 24;
    int64_t big = 0;
    int64_t small = 0;
    const char *units = "";
    if (seconds < 0) {
        (void)tph_buf_puts(out, seconds < -1 ? "<invalid>" : "0s");
        return;
    }
    if (seconds < 120) {
        big = seconds, units = "s";
    } else if (minutes < 10) {
        big = minutes, small = seconds % 60, units = "ms";
    } else if (minutes < 180) {
        big = minutes, units = "m";
    } else if (hours < 8) {
        big = hours, small = minutes % 60, units = "hm";
    } else if (hours < 48) {
        big = hours, units = "h";
    } else if (days < 8) {
        big = days, small = hours % 24, units = "dh";
    } else if (days < 2 * 365) {
        big = days, units = "d";
    } else if (days < 8 * 365) {
        big = days / 365, small = days % 365, units = "yd";
    } else {
        big = days / 365, units = "y";
    }
    (void)tph_buf_printf(out, "%" PRId64 "%c", big, units[0]);
    if (small > 0) {
        (void)tph_buf_printf(out, "%" PRId64 "%c", small, units[1]);
    }
}

void tph_table_age(const struct tph_json *time, int64_t now_ms, struct tph_buf *out)
{
    struct tph_instant then;
    if (tph_json_is_null(time)) {
        (void)tph_buf_puts(out, "<unknown>");
    } else if (tph_time_parse_instant(tph_json_str(time), &then, NULL) < 0) {
        (void)tph_buf_puts(out, "<invalid>");
    } else {
        int64_t ms = now_ms - then.seconds * 1000 - then.ns / 1000000;
        write_span(ms / 1000, out);
    }
}

static void write_text(const char *text, struct tph_buf *out)
{
    tph_json_write_str(tph_str(text), 0, out);
}

static void write_columns(const struct tph_kind *kind, struct tph_buf *out)
{
    const struct tph_table_column *columns = tph_table_columns(kind);
    (void)tph_buf_putc(out, '[');
    for (const struct tph_table_column *c = columns; c->name; c++) {
        (void)tph_buf_puts(out, c == columns ? "{\"name\":" : ",{\"name\":");
        write_text(c->name, out);
        (void)tph_buf_puts(out, ",\"type\":");
        write_text(c->type, out);
        (void)tph_buf_puts(out, ",\"format\":");
        write_text(c->format, out);
        (void)tph_buf_puts(out, ",\"description\":");
        write_text(c->description, out);
        (void)tph_buf_printf(out, ",\"priority\":%d}", c->priority);
    }
    (void)tph_buf_putc(out, ']');
}

/* resourceVersion, and where there is more to come, continue and remainingItemCount. */
static void write_list_metadata(const struct tph_json *metadata, struct tph_buf *out)
{
    struct tph_str version = tph_json_get_str(metadata, "resourceVersion");
    struct tph_str token = tph_json_get_str(metadata, "continue");
    const struct tph_json *left = tph_json_get(metadata, "remainingItemCount");
    const char *comma = "";
    (void)tph_buf_putc(out, '{');
    if (version.len > 0) {
        (void)tph_buf_puts(out, "\"resourceVersion\":");
        tph_json_write_str(version, 0, out);
        comma = ",";
    }
    if (token.len > 0) {
        (void)tph_buf_printf(out, "%s\"continue\":", comma);
        tph_json_write_str(token, 0, out);
        comma = ",";
    }
    if (!tph_json_is_null(left)) {
        (void)tph_buf_printf(out, "%s\"remainingItemCount\":", comma);
        tph_json_write(left, 0, out);
    }
    (void)tph_buf_putc(out, '}');
}

static void write_head(const char *kind, const char *api_version, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":", kind, api_version);
}

void tph_table_begin(const struct tph_table *table, const struct tph_json *metadata, struct tph_buf *out)
{
    write_head("Table", table->api_version, out);
    write_list_metadata(metadata, out);
    (void)tph_buf_puts(out, ",\"columnDefinitions\":");
    if (table->bare) {
        (void)tph_buf_puts(out, "null");
    } else {
        write_columns(table->kind, out);
    }
    (void)tph_buf_puts(out, ",\"rows\":[");
}

/* With its kind, which items of lists need not have. */
static void write_object(const struct tph_kind *kind, const struct tph_json *object, struct tph_buf *out)
{
    char version[TPH_API_VERSION_TEXT];
    struct tph_json_iter it = tph_json_iter(object);
    (void)tph_buf_printf(out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\"", kind->kind,
                         tph_kind_api_version(kind, version));
    while (tph_json_next(&it)) {
        if (!tph_str_eqz(it.key, "kind") && !tph_str_eqz(it.key, "apiVersion")) {
            (void)tph_buf_putc(out, ',');
            tph_json_write_str(it.key, 0, out);
            (void)tph_buf_putc(out, ':');
            tph_json_write(it.value, 0, out);
        }
    }
    (void)tph_buf_putc(out, '}');
}

void tph_table_row(const struct tph_table *table, const struct tph_json *object, bool first, struct tph_buf *out)
{
    const struct tph_table_column *columns = tph_table_columns(table->kind);
    (void)tph_buf_puts(out, first ? "{\"cells\":[" : ",{\"cells\":[");
    for (const struct tph_table_column *c = columns; c->name; c++) {
        (void)tph_buf_puts(out, c == columns ? "" : ",");
        c->cell(object, table->now_ms, out);
    }
    (void)tph_buf_puts(out, "],\"object\":");
    switch (table->object) {
    case TPH_TABLE_METADATA:
        tph_partial_write(table->api_version, object, out);
        break;
    case TPH_TABLE_OBJECT:
        write_object(table->kind, object, out);
        break;
    case TPH_TABLE_NONE:
        (void)tph_buf_puts(out, "null");
        break;
    }
    (void)tph_buf_putc(out, '}');
}

void tph_table_end(struct tph_buf *out)
{
    (void)tph_buf_puts(out, "]}");
}

void tph_table_write(const struct tph_table *table, const struct tph_json *value, struct tph_buf *out)
{
    const struct tph_json *items = tph_json_get(value, "items");
    tph_table_begin(table, tph_json_get(value, "metadata"), out);
    if (items) {
        struct tph_json_iter it = tph_json_iter(items);
        while (tph_json_next(&it)) {
            tph_table_row(table, it.value, it.index == 0, out);
        }
    } else {
        tph_table_row(table, value, true, out);
    }
    tph_table_end(out);
}

void tph_partial_write(const char *api_version, const struct tph_json *object, struct tph_buf *out)
{
    const struct tph_json *metadata = tph_json_get(object, "metadata");
    write_head("PartialObjectMetadata", api_version, out);
    if (tph_json_is(metadata, TPH_JSON_OBJECT)) {
        tph_json_write(metadata, 0, out);
    } else {
        (void)tph_buf_puts(out, "{}");
    }
    (void)tph_buf_putc(out, '}');
}

void tph_partial_list_write(const char *api_version, const struct tph_json *list, struct tph_buf *out)
{
    const struct tph_json *items = tph_json_get(list, "items");
    struct tph_json_iter it = tph_json_iter(items);
    write_head("PartialObjectMetadataList", api_version, out);
    write_list_metadata(tph_json_get(list, "metadata"), out);
    (void)tph_buf_puts(out, ",\"items\":");
    (void)tph_buf_puts(out, tph_json_len(items) > 0 ? "[" : "null");
    while (tph_json_next(&it)) {
        (void)tph_buf_puts(out, it.index == 0 ? "" : ",");
        tph_partial_write(api_version, it.value, out);
    }
    (void)tph_buf_puts(out, tph_json_len(items) > 0 ? "]}" : "}");
}
