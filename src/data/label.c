/* SPDX-License-Identifier: Apache-2.0 */
#include "data/label.h"

enum { NAME_BYTES = 63, SUBDOMAIN_BYTES = 253 };

#define QUALIFIED_NAME                                                                                       \
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " \
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "                  \
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alphanumeric(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9] */
static bool is_name(struct tph_str name)
{
    if (name.len == 0 || !is_alphanumeric(name.p[0]) || !is_alphanumeric(name.p[name.len - 1])) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        if (!is_alphanumeric(c) && c != '-' && c != '_' && c != '.') {
            return false;
        }
    }
    return true;
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? with dots between. */
static bool is_subdomain(struct tph_str name)
{
    struct tph_str rest = name;
    struct tph_str part;
    while (tph_str_cut(&rest, '.', &part)) {
        if (part.len == 0 || part.p[0] == '-' || part.p[part.len - 1] == '-') {
            return false;
        }
        for (size_t i = 0; i < part.len; i++) {
            if (!is_lower(part.p[i]) && part.p[i] != '-') {
                return false;
            }
        }
    }
    return name.len > 0;
}

static void add(struct tph_buf *faults, const char *before, const char *fault)
{
    (void)tph_buf_printf(faults, "%s%s%s", faults->len > 0 ? "; " : "", before, fault);
}

void tph_label_check_subdomain(struct tph_str name, const char *before, struct tph_buf *faults)
{
    if (name.len > SUBDOMAIN_BYTES) {
        add(faults, before, "must be no more than 253 bytes");
    }
    if (!is_subdomain(name)) {
        add(faults, before,
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')");
    }
}

void tph_label_check_key(struct tph_str key, struct tph_buf *faults)
{
    ptrdiff_t slash = tph_str_find_byte(key, '/');
    struct tph_str name = tph_str_slice(key, slash < 0 ? 0 : (size_t)slash + 1, key.len);
    if (tph_str_find_byte(name, '/') >= 0) {
        add(faults, "",
            "a valid label key " QUALIFIED_NAME
            " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
        return;
    }
    if (slash == 0) {
        add(faults, "prefix part ", "must be non-empty");
    } else if (slash > 0) {
        tph_label_check_subdomain(tph_str_slice(key, 0, (size_t)slash), "prefix part ", faults);
    }
    if (name.len == 0) {
        add(faults, "name part ", "must be non-empty");
    } else if (name.len > NAME_BYTES) {
        add(faults, "name part ", "must be no more than 63 bytes");
    }
    if (!is_name(name)) {
        add(faults, "name part ", QUALIFIED_NAME);
    }
}

void tph_label_check_value(struct tph_str value, struct tph_buf *faults)
{
    if (value.len > NAME_BYTES) {
        add(faults, "", "must be no more than 63 bytes");
    }
    if (value.len > 0 && !is_name(value)) {
        add(faults, "",
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
            "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
    }
}
