/* SPDX-License-Identifier: Apache-2.0 */
/* {{workflow.*}}: what is known of the workflow as a whole. One map, filled when the run is made. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "data/anystring.h"
#include "data/time.h"
#include "engine/run_internal.h"

#define LABEL(name) "workflows.argoproj.io/" name

void tph_globals_set(struct tph_run *run, struct tph_str name, struct tph_str value)
{
    struct tph_str *text = tph_map_get(&run->globals, name);
    if (!text) {
        text = TPH_ARENA_NEW(run->arena, struct tph_str);
        (void)tph_map_set(&run->globals, tph_arena_str(run->arena, name), text);
    }
    *text = tph_arena_str(run->arena, value);
}

/* prefix and name together are the variable. */
static void set_member(struct tph_run *run, const char *prefix, struct tph_str name, struct tph_str value)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf whole = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    (void)tph_buf_puts(&whole, prefix);
    (void)tph_buf_put(&whole, name);
    tph_globals_set(run, tph_buf_str(&whole), value);
}

static void set_json(struct tph_run *run, const char *name, const struct tph_json *value, unsigned flags)
{
    TPH_CLEANUP(tph_buf_release) struct tph_buf text = TPH_BUF_INIT(TPH_LIMIT_DOCUMENT);
    tph_json_write(value, flags | TPH_JSON_HTML, &text);
    tph_globals_set(run, tph_str(name), tph_buf_str(&text));
    set_member(run, name, TPH_STR(".json"), tph_buf_str(&text));
}

/* What the engine itself writes there, which a workflow has not seen when its texts are put together. */
static bool is_ours(struct tph_str key)
{
    return tph_str_eqz(key, LABEL("phase")) || tph_str_eqz(key, LABEL("completed")) ||
           tph_str_eqz(key, LABEL("pod-name-format"));
}

/* Labels or annotations: each, and all of them as JSON. */
static void set_marks(struct tph_run *run, const char *name, const struct tph_json *marks)
{
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *all = tph_json_new_object(doc);
    char prefix[32];
    (void)snprintf(prefix, sizeof(prefix), "%s.", name);
    struct tph_json_iter it = tph_json_iter(marks);
    while (tph_json_next(&it)) {
        if (!is_ours(it.key)) {
            set_member(run, prefix, it.key, tph_json_str(it.value));
            tph_json_setn(doc, all, it.key, tph_json_copy(doc, it.value));
        }
    }
    set_json(run, name, tph_json_len(all) > 0 ? all : tph_json_new_null(doc), TPH_JSON_SORTED);
}

/* A date from days since 1970-01-01, by the proleptic Gregorian calendar: years of 400 years, 146097 days. */
struct date {
    int64_t year;
    int month, day, weekday; /* month and day from 1; Sunday is 0 */
};

static struct date date_of(int64_t days)
{
    int64_t from_march_0 = days + 719468; /* days since 0000-03-01 */
    int64_t era = (from_march_0 >= 0 ? from_march_0 : from_march_0 - 146096) / 146097;
    int64_t day_of_era = from_march_0 - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (int)((5 * day_of_year + 2) / 153);
    struct date d = {.day = (int)(day_of_year - (153 * month_from_march + 2) / 5) + 1};
    d.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    d.year = year_of_era + era * 400 + (d.month <= 2 ? 1 : 0);
    d.weekday = (int)(((days + 4) % 7 + 7) % 7);
    return d;
}

/* {{workflow.creationTimestamp.X}}: strftime's letters as Argo has them, in UTC. */
static void set_creation_letters(struct tph_run *run, int64_t seconds)
{
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    int64_t day = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400;
    int in_day = (int)(seconds - day * 86400);
    struct date d = date_of(day);
    int hour = in_day / 3600;
    int hour12 = hour % 12 == 0 ? 12 : hour % 12;
    char text[12][24];
    (void)snprintf(text[0], sizeof(text[0]), "%.3s", months[d.month - 1]);
    (void)snprintf(text[1], sizeof(text[1]), "%02d", d.month);
    (void)snprintf(text[2], sizeof(text[2]), "%.3s", days[d.weekday]);
    (void)snprintf(text[3], sizeof(text[3]), "%02d", d.day);
    (void)snprintf(text[4], sizeof(text[4]), "%02d", hour);
    (void)snprintf(text[5], sizeof(text[5]), "%02d", hour12);
    (void)snprintf(text[6], sizeof(text[6]), "%02d", in_day / 60 % 60);
    (void)snprintf(text[7], sizeof(text[7]), "%02d", in_day % 60);
    (void)snprintf(text[8], sizeof(text[8]), "%04lld", (long long)d.year);
    (void)snprintf(text[9], sizeof(text[9]), "%02d", (int)(d.year % 100));
    (void)snprintf(text[10], sizeof(text[10]), "%lld", (long long)seconds);
    const struct {
        const char *letter, *text;
    } all[] = {{"B", months[d.month - 1]},
               {"b", text[0]},
               {"m", text[1]},
               {"A", days[d.weekday]},
               {"a", text[2]},
               {"d", text[3]},
               {"H", text[4]},
               {"I", text[5]},
               {"M", text[6]},
               {"S", text[7]},
               {"Y", text[8]},
               {"y", text[9]},
               {"p", hour < 12 ? "AM" : "PM"},
               {"Z", "UTC"},
               {"z", "+0000"},
               {"L", ".000"},
               {"s", text[10]}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        set_member(run, "workflow.creationTimestamp.", tph_str(all[i].letter), tph_str(all[i].text));
    }
}

void tph_globals_created(struct tph_run *run)
{
    const struct tph_json *meta = tph_json_get(run->spec->object, "metadata");
    struct tph_instant at;
    if (tph_time_parse_instant(tph_json_get_str(meta, "creationTimestamp"), &at, NULL) < 0) {
        at.seconds = run->started_ms / 1000;
    }
    char text[TPH_TIME_TEXT];
    tph_time_format(at.seconds * 1000, text);
    tph_globals_set(run, TPH_STR("workflow.creationTimestamp"), tph_str(text));
    tph_globals_set(run, TPH_STR("workflow.creationTimestamp.RFC3339"), tph_str(text));
    set_creation_letters(run, at.seconds);
}

static void set_parameters(struct tph_run *run)
{
    size_t at = 0;
    struct tph_str name;
    void *value = NULL;
    while (tph_map_next(&run->spec->parameters, &at, &name, &value)) {
        set_member(run, "workflow.parameters.", name, *(const struct tph_str *)value);
    }
    set_json(run, "workflow.parameters", run->spec->parameter_list, 0);
}

void tph_globals_begin(struct tph_run *run)
{
    const struct tph_spec *spec = run->spec;
    const struct tph_json *meta = tph_json_get(spec->object, "metadata");
    const struct tph_json *json_spec = spec->exec;
    const struct tph_json *priority = tph_json_get(json_spec, "priority");
    struct tph_str scheduled = tph_json_get_str(tph_json_get(meta, "annotations"), LABEL("scheduled-time"));
    tph_globals_set(run, TPH_STR("workflow.name"), spec->name);
    tph_globals_set(run, TPH_STR("workflow.namespace"), spec->ns);
    tph_globals_set(run, TPH_STR("workflow.uid"), spec->uid);
    tph_globals_set(run, TPH_STR("workflow.mainEntrypoint"), spec->entrypoint->name);
    tph_globals_set(run, TPH_STR("workflow.serviceAccountName"), tph_json_get_str(json_spec, "serviceAccountName"));
    if (tph_json_is(priority, TPH_JSON_NUMBER)) {
        tph_globals_set(run, TPH_STR("workflow.priority"), tph_json_number_text(priority));
    }
    if (scheduled.len > 0) {
        tph_globals_set(run, TPH_STR("workflow.scheduledTime"), scheduled);
    }
    set_marks(run, "workflow.labels", tph_json_get(meta, "labels"));
    set_marks(run, "workflow.annotations", tph_json_get(meta, "annotations"));
    set_parameters(run);
}

void tph_globals_export(struct tph_run *run, struct tph_str name, struct tph_str value)
{
    struct tph_json *found = NULL;
    if (!run->outputs) {
        run->outputs = tph_json_new_array(run->doc);
    }
    struct tph_json_iter it = tph_json_iter(run->outputs);
    while (!found && tph_json_next(&it)) {
        found = tph_str_eq(tph_json_get_str(it.value, "name"), name) ? it.value : NULL;
    }
    if (!found) {
        found = tph_json_new_object(run->doc);
        tph_json_set_str(run->doc, found, "name", name);
        tph_json_append(run->doc, run->outputs, found);
    }
    bool again = tph_json_get(found, "value") && tph_run_compat(run, TPH_COMPAT_EXPORTS);
    tph_json_set_str(run->doc, found, "value", value);
    run->workflow_changed = true;
    if (again) { /* Argo has put the old value in where the event began */
        run->late = run->late ? run->late : tph_json_new_object(run->doc);
        tph_json_setn(run->doc, run->late, name, tph_json_new_str(run->doc, value));
        return;
    }
    set_member(run, "workflow.outputs.parameters.", name, value);
}

void tph_globals_settle(struct tph_run *run)
{
    struct tph_json_iter it = tph_json_iter(run->late);
    while (tph_json_next(&it)) {
        set_member(run, "workflow.outputs.parameters.", it.key, tph_json_str(it.value));
    }
    run->late = NULL;
}

void tph_globals_export_all(struct tph_run *run, const struct tph_json *outputs)
{
    struct tph_json_iter it = tph_json_iter(tph_json_get(outputs, "parameters"));
    while (tph_json_next(&it)) {
        struct tph_str name = tph_json_get_str(it.value, "globalName");
        if (name.len > 0) {
            tph_globals_export(run, name, tph_json_get_str(it.value, "value"));
        }
    }
}
