/* SPDX-License-Identifier: Apache-2.0 */
/* cron.jsonl: schedules and the five times that they are due next. */
#include "data/cron.h"
#include "data/time.h"
#include "data/zone.h"
#include "golden.h"

static struct tph_json *next_times(struct golden_case *c, const struct tph_cron *cron, int64_t after_s)
{
    struct tph_json *list = tph_json_new_array(c->doc);
    for (int i = 0; i < 5; i++) {
        char text[TPH_TIME_TEXT];
        if (!tph_cron_next(cron, after_s, &after_s)) {
            tph_json_append(c->doc, list, tph_json_new_cstr(c->doc, "never"));
            break;
        }
        tph_time_format(after_s * 1000, text);
        tph_json_append(c->doc, list, tph_json_new_cstr(c->doc, text));
    }
    return list;
}

void golden_cron(struct golden_case *c)
{
    TPH_CLEANUP(tph_cron_freep) struct tph_cron *cron = NULL;
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_instant from;
    struct tph_json *got = golden_object(c);
    bool failed =
        tph_cron_parse(golden_in(c, "schedule"), golden_in(c, "timezone"), tph_zone_read_file, &cron, &err) < 0;
    if (failed && tph_json_get(c->expected, "panic")) {
        golden_set(c, "panic", tph_json_get_str(c->expected, "panic")); /* an error of ours is as good */
    } else if (failed || tph_time_parse_instant(golden_in(c, "from"), &from, &err) < 0) {
        golden_set(c, "error", tph_str(err.text));
    } else {
        tph_json_set(c->doc, got, "next", next_times(c, cron, from.seconds));
    }
}
