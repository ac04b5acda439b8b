/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/status.h"

#include <stdarg.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "data/json.h"
#include "data/quote.h"

void tph_status_init(struct tph_status *status)
{
    struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    *status = (struct tph_status){.reason = "",
                                  .message = text,
                                  .name = text,
                                  .group = text,
                                  .kind = text,
                                  .uid = text,
                                  .causes = text,
                                  .token = text,
                                  .faults = text};
}

void tph_status_release(struct tph_status *status)
{
    tph_buf_release(&status->message);
    tph_buf_release(&status->name);
    tph_buf_release(&status->group);
    tph_buf_release(&status->kind);
    tph_buf_release(&status->uid);
    tph_buf_release(&status->causes);
    tph_buf_release(&status->token);
    tph_buf_release(&status->faults);
}

static void put_format(struct tph_buf *buf, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void put_format(struct tph_buf *buf, const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) >= 0) {
        (void)tph_buf_puts(buf, text);
        free(text);
    }
}

/* Begins a message; what follows in the caller's format is appended. */
#define BEGIN(status, its_code, its_reason) \
    do {                                    \
        (status)->code = (its_code);        \
        (status)->reason = (its_reason);    \
        tph_buf_clear(&(status)->message);  \
    } while (0)
#define APPEND(status, format)                              \
    do {                                                    \
        va_list arguments_;                                 \
        va_start(arguments_, format);                       \
        put_format(&(status)->message, format, arguments_); \
        va_end(arguments_);                                 \
    } while (0)

int tph_status_set(struct tph_status *status, int code, const char *reason, const char *format, ...)
{
    BEGIN(status, code, reason);
    APPEND(status, format);
    return -1;
}

int tph_status_set_bare(struct tph_status *status, int code, const char *reason, const char *format, ...)
{
    BEGIN(status, code, reason);
    APPEND(status, format);
    status->has_details = true;
    return -1;
}

int tph_status_bad_request(struct tph_status *status, const char *format, ...)
{
    BEGIN(status, 400, "BadRequest");
    APPEND(status, format);
    return -1;
}

int tph_status_internal(struct tph_status *status, const char *format, ...)
{
    BEGIN(status, 500, "");
    APPEND(status, format);
    return -1;
}

static void refill(struct tph_buf *buf, struct tph_str text)
{
    tph_buf_clear(buf);
    (void)tph_buf_put(buf, text);
}

void tph_status_about(struct tph_status *status, const struct tph_kind *kind, struct tph_str name, bool as_kind)
{
    status->has_details = true;
    refill(&status->name, name);
    refill(&status->group, tph_str(kind->group));
    refill(&status->kind, tph_str(as_kind ? kind->kind : kind->plural));
}

/* `workflows.argoproj.io "a"`, or with the kind; without a name the name and its quotes are left out. */
static void put_subject(struct tph_status *status, const struct tph_kind *kind, struct tph_str name, bool as_kind)
{
    (void)tph_buf_printf(&status->message, "%s%s%s", as_kind ? kind->kind : kind->plural, kind->group[0] ? "." : "",
                         kind->group);
    if (name.len > 0) {
        (void)tph_buf_puts(&status->message, " ");
        tph_quote_go(name, &status->message);
    }
}

int tph_status_not_found(struct tph_status *status, const struct tph_kind *kind, struct tph_str name)
{
    BEGIN(status, 404, "NotFound");
    tph_status_about(status, kind, name, false);
    put_subject(status, kind, name, false);
    (void)tph_buf_puts(&status->message, " not found");
    return -1;
}

int tph_status_exists(struct tph_status *status, const struct tph_kind *kind, struct tph_str name, bool deleting)
{
    BEGIN(status, 409, "AlreadyExists");
    tph_status_about(status, kind, name, false);
    (void)tph_buf_puts(&status->message, deleting ? "object is being deleted: " : "");
    put_subject(status, kind, name, false);
    (void)tph_buf_puts(&status->message, " already exists");
    return -1;
}

void tph_status_no_name(struct tph_status *status)
{
    status->retry_after_s = 1;
    (void)tph_buf_puts(&status->message, ", the server was not able to generate a unique name for the object");
}

int tph_status_conflict(struct tph_status *status, const struct tph_kind *kind, struct tph_str name, bool as_kind,
                        const char *format, ...)
{
    BEGIN(status, 409, "Conflict");
    tph_status_about(status, kind, name, as_kind);
    (void)tph_buf_puts(&status->message, "Operation cannot be fulfilled on ");
    put_subject(status, kind, name, as_kind);
    (void)tph_buf_puts(&status->message, ": ");
    APPEND(status, format);
    return -1;
}

int tph_status_modified(struct tph_status *status, const struct tph_kind *kind, struct tph_str name)
{
    return tph_status_conflict(
        status, kind, name, false,
        "the object has been modified; please apply your changes to the latest version and try again");
}

int tph_status_forbidden(struct tph_status *status, const struct tph_kind *kind, struct tph_str name,
                         const char *format, ...)
{
    BEGIN(status, 403, "Forbidden");
    tph_status_about(status, kind, name, false);
    put_subject(status, kind, name, false);
    (void)tph_buf_puts(&status->message, " is forbidden: ");
    APPEND(status, format);
    return -1;
}

int tph_status_method(struct tph_status *status)
{
    return tph_status_set_bare(status, 405, "MethodNotAllowed",
                               "the server does not allow this method on the requested resource");
}

int tph_status_unknown_path(struct tph_status *status)
{
    return tph_status_set_bare(status, 404, "NotFound", "the server could not find the requested resource");
}

int tph_status_too_new(struct tph_status *status, const char *wanted, uint64_t current)
{
    status->retry_after_s = 1;
    tph_status_cause(status, "ResourceVersionTooLarge", TPH_STR("Too large resource version"), "");
    return tph_status_set_bare(status, 504, "Timeout", "Timeout: Too large resource version: %s, current: %llu", wanted,
                               (unsigned long long)current);
}

void tph_status_cause(struct tph_status *status, const char *reason, struct tph_str message, const char *field)
{
    struct tph_buf *out = &status->causes;
    (void)tph_buf_printf(out, "%s{\"reason\":\"%s\",\"message\":", out->len > 0 ? "," : "", reason);
    tph_json_write_str(message, TPH_JSON_HTML, out);
    if (field[0] != '\0') {
        (void)tph_buf_puts(out, ",\"field\":");
        tph_json_write_str(tph_str(field), TPH_JSON_HTML, out);
    }
    (void)tph_buf_putc(out, '}');
}

static const char *fault_reason(enum tph_fault fault)
{
    static const char *const reasons[TPH_FAULT_COUNT] = {
        [TPH_FAULT_REQUIRED] = "FieldValueRequired",   [TPH_FAULT_INVALID] = "FieldValueInvalid",
        [TPH_FAULT_FORBIDDEN] = "FieldValueForbidden", [TPH_FAULT_NOT_SUPPORTED] = "FieldValueNotSupported",
        [TPH_FAULT_TOO_LONG] = "FieldValueTooLong",    [TPH_FAULT_TYPE] = "FieldValueTypeInvalid",
        [TPH_FAULT_DUPLICATE] = "FieldValueDuplicate",
    };
    return reasons[fault];
}

static void collect(struct tph_status *status, enum tph_fault fault, const char *field, struct tph_str message)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    if (status->n_faults >= TPH_LIMIT_API_FAULTS || status->faults.len > TPH_LIMIT_API_FAULT_BYTES) {
        return; /* each is compared with all before it */
    }
    (void)tph_buf_printf(&text, "%s: ", field);
    (void)tph_buf_put(&text, message);
    if (tph_str_find(tph_buf_str(&status->faults), tph_buf_str(&text)) < 0) { /* told once, whoever found it */
        (void)tph_buf_puts(&status->faults, status->n_faults++ > 0 ? ", " : "");
        (void)tph_buf_put(&status->faults, tph_buf_str(&text));
    }
    tph_status_cause(status, fault_reason(fault), message, field);
}

void tph_status_fault(struct tph_status *status, enum tph_fault fault, const char *field, const char *format, ...)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    va_list arguments;
    va_start(arguments, format);
    put_format(&message, format, arguments);
    va_end(arguments);
    collect(status, fault, field, tph_buf_str(&message));
}

void tph_status_fault_value(struct tph_status *status, const char *field, struct tph_str value, const char *format, ...)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf message = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    va_list arguments;
    (void)tph_buf_puts(&message, "Invalid value: ");
    tph_quote_go(value, &message);
    (void)tph_buf_puts(&message, ": ");
    va_start(arguments, format);
    put_format(&message, format, arguments);
    va_end(arguments);
    collect(status, TPH_FAULT_INVALID, field, tph_buf_str(&message));
}

int tph_status_invalid(struct tph_status *status, struct tph_str group, struct tph_str kind, struct tph_str name)
{
    if (status->n_faults == 0) {
        return 0;
    }
    BEGIN(status, 422, "Invalid");
    status->has_details = true;
    refill(&status->name, name);
    refill(&status->group, group);
    refill(&status->kind, kind);
    (void)tph_buf_printf(&status->message, "%.*s%s%.*s ", TPH_FMT(kind), group.len > 0 ? "." : "", TPH_FMT(group));
    tph_quote_go(name, &status->message);
    (void)tph_buf_printf(&status->message, " is invalid: %s", status->n_faults > 1 ? "[" : "");
    (void)tph_buf_put(&status->message, tph_buf_str(&status->faults));
    (void)tph_buf_puts(&status->message, status->n_faults > 1 ? "]" : "");
    return -1;
}

int tph_status_invalid_options(struct tph_status *status, const char *kind)
{
    return tph_status_invalid(status, TPH_STR("meta.k8s.io"), tph_str(kind), TPH_STR_NONE);
}

static void put_member(struct tph_buf *out, const char *name, const struct tph_buf *value, bool *first)
{
    if (value->len == 0) {
        return;
    }
    (void)tph_buf_printf(out, "%s\"%s\":", *first ? "" : ",", name);
    tph_json_write_str(tph_buf_str(value), TPH_JSON_HTML, out);
    *first = false;
}

void tph_status_write(const struct tph_status *status, struct tph_buf *out)
{
    bool none = true;
    (void)tph_buf_puts(out, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{");
    put_member(out, "continue", &status->token, &none);
    (void)tph_buf_puts(out, "},\"status\":\"Failure\"");
    if (status->message.len > 0) {
        (void)tph_buf_puts(out, ",\"message\":");
        tph_json_write_str(tph_buf_str(&status->message), TPH_JSON_HTML, out);
    }
    if (status->reason[0] != '\0') {
        (void)tph_buf_printf(out, ",\"reason\":\"%s\"", status->reason);
    }
    if (status->has_details) {
        bool first = true;
        (void)tph_buf_puts(out, ",\"details\":{");
        put_member(out, "name", &status->name, &first);
        put_member(out, "group", &status->group, &first);
        put_member(out, "kind", &status->kind, &first);
        put_member(out, "uid", &status->uid, &first);
        if (status->causes.len > 0) {
            (void)tph_buf_printf(out, "%s\"causes\":[", first ? "" : ",");
            (void)tph_buf_put(out, tph_buf_str(&status->causes));
            (void)tph_buf_putc(out, ']');
            first = false;
        }
        if (status->retry_after_s > 0) {
            (void)tph_buf_printf(out, "%s\"retryAfterSeconds\":%d", first ? "" : ",", status->retry_after_s);
        }
        (void)tph_buf_putc(out, '}');
    }
    (void)tph_buf_printf(out, ",\"code\":%d}", status->code);
}
