/* SPDX-License-Identifier: Apache-2.0 */
#include "base/health.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

struct check {
    const char *name;
    char *why;       /* owned; NULL: well */
    unsigned failed; /* which failure it was, counted over all */
};

struct tph_health {
    struct check checks[TPH_LIMIT_HEALTH_CHECKS];
    size_t n;
    unsigned failures;
    void (*changed)(void *owner, const char *name, const char *why);
    void *owner;
};

struct tph_health *tph_health_new(void)
{
    return TPH_NEW(struct tph_health);
}

void tph_health_free(struct tph_health *health)
{
    for (size_t i = 0; health && i < health->n; i++) {
        free(health->checks[i].why);
    }
    free(health);
}

static struct check *find(struct tph_health *health, const char *name)
{
    for (size_t i = 0; i < health->n; i++) {
        if (strcmp(health->checks[i].name, name) == 0) {
            return &health->checks[i];
        }
    }
    if (health->n == TPH_LIMIT_HEALTH_CHECKS) {
        return NULL;
    }
    health->checks[health->n].name = name;
    return &health->checks[health->n++];
}

void tph_health_on_change(struct tph_health *health, void (*changed)(void *owner, const char *name, const char *why),
                          void *owner)
{
    health->changed = changed;
    health->owner = owner;
}

void tph_health_set(struct tph_health *health, const char *name, const char *why)
{
    struct check *check = health ? find(health, name) : NULL;
    if (!check) {
        return;
    }
    char *now = why ? tph_strndup(why, strcspn(why, "\n")) : NULL;
    bool news = !now != !check->why || (now && strcmp(now, check->why) != 0);
    if (now && !check->why) {
        check->failed = ++health->failures;
    }
    free(check->why);
    check->why = now;
    if (news && health->changed) {
        health->changed(health->owner, name, now);
    }
}

const char *tph_health_problem(const struct tph_health *health)
{
    const struct check *first = NULL;
    for (size_t i = 0; health && i < health->n; i++) {
        const struct check *check = &health->checks[i];
        if (check->why && (!first || check->failed < first->failed)) {
            first = check;
        }
    }
    return first ? first->why : NULL;
}

bool tph_health_next(const struct tph_health *health, size_t *at, const char **ret_name, const char **ret_why)
{
    if (!health || *at >= health->n) {
        return false;
    }
    *ret_name = health->checks[*at].name;
    *ret_why = health->checks[*at].why;
    *at += 1;
    return true;
}
