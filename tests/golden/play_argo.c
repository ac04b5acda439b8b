/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of people in a recorded workflow, as a controller carries them out: the object is edited (src/edit), and the
 * run is made anew from that. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "edit/edit.h"
#include "play.h"

enum { MOST_PARAMETERS = 16 };

/* What a command line says. */
struct command {
    struct tph_str verb, subject;
    struct tph_str selector, message, phase, name, from;
    bool memoized, restart_successful;
    struct tph_str parameters[MOST_PARAMETERS];
    size_t n_parameters;
};

static bool is_one_of(struct tph_str word, const char *a, const char *b)
{
    return tph_str_eqz(word, a) || tph_str_eqz(word, b);
}

/* Verb, subject, options in any order. */
static bool read_command(const struct tph_json *words, struct command *c)
{
    *c = (struct command){.verb = tph_json_str(tph_json_at(words, 0))};
    size_t at = 1;
    if (tph_str_eqz(c->verb, "node")) {
        c->verb = tph_json_str(tph_json_at(words, at++)); /* set */
    }
    for (; at < tph_json_len(words); at++) {
        struct tph_str word = tph_json_str(tph_json_at(words, at));
        struct tph_str next = tph_json_str(tph_json_at(words, at + 1));
        struct tph_str *value = tph_str_eqz(word, "--node-field-selector") ? &c->selector
                                : is_one_of(word, "-m", "--message")       ? &c->message
                                : tph_str_eqz(word, "--phase")             ? &c->phase
                                : tph_str_eqz(word, "--name")              ? &c->name
                                : tph_str_eqz(word, "--from")              ? &c->from
                                                                           : NULL;
        if (is_one_of(word, "-p", "--output-parameter") && c->n_parameters < MOST_PARAMETERS) {
            value = &c->parameters[c->n_parameters++];
        }
        if (value) {
            *value = next;
            at++;
        } else if (tph_str_eqz(word, "--memoized")) {
            c->memoized = true;
        } else if (tph_str_eqz(word, "--restart-successful")) {
            c->restart_successful = true;
        } else if (c->subject.len == 0 && !tph_str_has_prefix(word, TPH_STR("-"))) {
            c->subject = word;
        } else {
            return false;
        }
    }
    return true;
}

static int retry(struct actor *a, const struct command *c, const struct tph_json *object, struct tph_json **ret_edited,
                 struct tph_error *err)
{
    struct tph_json *pods = NULL;
    struct tph_edit_retry how = {.compat = a->p->options.compatibility_argo,
                                 .restart_successful = c->restart_successful,
                                 .selector = c->selector,
                                 .parameters = {.list = c->parameters, .n = c->n_parameters},
                                 .now_ms = a->p->now_ms};
    return tph_edit_retry(a->p->c->doc, object, &how, ret_edited, &pods, err);
}

static int set(struct actor *a, const struct command *c, const struct tph_json *object, struct tph_json **ret_edited,
               struct tph_error *err)
{
    struct tph_json_doc *doc = a->p->c->doc;
    struct tph_json *outputs = tph_json_new_object(doc);
    for (size_t i = 0; i < c->n_parameters; i++) {
        struct tph_str value = c->parameters[i];
        struct tph_str name;
        (void)tph_str_cut(&value, '=', &name);
        tph_json_setn(doc, outputs, name, tph_json_new_str(doc, value));
    }
    struct tph_edit_set how = {
        .selector = c->selector, .phase = c->phase, .message = c->message, .outputs = outputs, .now_ms = a->p->now_ms};
    return tph_edit_set(doc, object, &how, ret_edited, err);
}

static int stop(struct actor *a, const struct command *c, const struct tph_json *object, struct tph_json **ret_edited,
                struct tph_error *err)
{
    return tph_edit_stop(a->p->c->doc, object, c->selector, c->message, a->p->now_ms, ret_edited, err);
}

static int terminate(struct actor *a, const struct command *c, const struct tph_json *object,
                     struct tph_json **ret_edited, struct tph_error *err)
{
    (void)c;
    return tph_edit_terminate(a->p->c->doc, object, ret_edited, err);
}

static int suspend(struct actor *a, const struct command *c, const struct tph_json *object,
                   struct tph_json **ret_edited, struct tph_error *err)
{
    (void)c;
    return tph_edit_suspend(a->p->c->doc, object, ret_edited, err);
}

static int resume(struct actor *a, const struct command *c, const struct tph_json *object, struct tph_json **ret_edited,
                  struct tph_error *err)
{
    return tph_edit_resume(a->p->c->doc, object, c->selector, c->message, a->p->now_ms, ret_edited, err);
}

/* Edits of the workflow that is named. */
static const struct verb {
    const char *name;
    int (*edit)(struct actor *a, const struct command *c, const struct tph_json *object, struct tph_json **ret_edited,
                struct tph_error *err);
} VERBS[] = {{"retry", retry},         {"set", set},         {"stop", stop},
             {"terminate", terminate}, {"suspend", suspend}, {"resume", resume}};
enum { N_VERBS = sizeof VERBS / sizeof VERBS[0] };

/* A refusal is compared by its last words: what stands before them is the client's. */
static void note_refusal(struct play *p, const struct tph_json *line, const char *text)
{
    struct tph_json_doc *doc = p->c->doc;
    struct tph_str output = tph_json_get_str(line, "output");
    int64_t code = 0;
    bool refused = tph_json_to_i64(tph_json_get(line, "rc"), &code) == 0 && code != 0;
    if (!refused && !text) {
        return;
    }
    bool same = refused && text && tph_str_has_suffix(output, tph_str(text));
    tph_json_append(doc, p->refused, tph_json_new_str(doc, refused ? output : TPH_STR("")));
    tph_json_append(doc, p->refusals,
                    same ? tph_json_new_str(doc, output) : tph_json_new_cstr(doc, text ? text : "(not refused)"));
}

static bool edit(struct play *p, const struct tph_json *line, const struct command *c, const struct verb *verb)
{
    struct actor *a = play_find(p, c->subject);
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_json *edited = NULL;
    if (!a) {
        return false;
    }
    p->now_ms += PLAY_STEP_MS;
    if (verb->edit(a, c, play_object(a), &edited, &err) < 0) {
        note_refusal(p, line, err.text);
        return true;
    }
    note_refusal(p, line, NULL);
    a->workflow = edited;
    return play_begin(a) == 0;
}

/* The workflow that `submit --from KIND/NAME` makes. */
static struct tph_json *from_object(struct play *p, const struct command *c)
{
    struct tph_json_doc *doc = p->c->doc;
    struct tph_str name = c->from;
    struct tph_str kind;
    (void)tph_str_cut(&name, '/', &kind);
    bool cron = tph_str_eqz(kind, "cronwf");
    bool cluster = tph_str_eqz(kind, "clusterworkflowtemplate");
    struct tph_json *made = tph_json_new_object(doc);
    struct tph_json *meta = tph_json_new_object(doc);
    struct tph_json *labels = tph_json_new_object(doc);
    struct tph_json *annotations = tph_json_new_object(doc);
    struct tph_json *spec = tph_json_new_object(doc);
    TPH_CLEANUP(tph_freep) char *prefix = tph_format("%.*s-", TPH_FMT(name));
    tph_json_set_str(doc, meta, "name", c->name);
    tph_json_set_cstr(doc, meta, "generateName", prefix);
    tph_json_set_str(doc, labels,
                     cron      ? "workflows.argoproj.io/cron-workflow"
                     : cluster ? "workflows.argoproj.io/cluster-workflow-template"
                               : "workflows.argoproj.io/workflow-template",
                     name);
    if (cron) {
        struct tph_json_iter it = tph_json_iter(p->objects);
        while (tph_json_next(&it)) {
            if (tph_str_eqz(tph_json_get_str(it.value, "kind"), "CronWorkflow")) {
                spec = tph_json_copy(doc, tph_json_path(it.value, "spec", "workflowSpec", NULL));
            }
        }
        tph_json_set_cstr(doc, annotations, "workflows.argoproj.io/scheduled-time", PLAY_CREATED);
    } else {
        struct tph_json *ref = tph_json_new_object(doc);
        tph_json_set_str(doc, ref, "name", name);
        if (cluster) {
            tph_json_set(doc, ref, "clusterScope", tph_json_new_bool(doc, true));
        }
        tph_json_set(doc, spec, "workflowTemplateRef", ref);
    }
    tph_json_set(doc, meta, "labels", labels);
    tph_json_set(doc, meta, "annotations", annotations);
    tph_json_set_cstr(doc, made, "kind", "Workflow");
    tph_json_set(doc, made, "metadata", meta);
    tph_json_set(doc, made, "spec", spec);
    return made;
}

/* The name that was made up for the new workflow stands in the recorded object. */
static struct tph_json *resubmitted(struct play *p, const struct tph_json *line, const struct command *c)
{
    struct tph_error err = TPH_ERROR_INIT;
    struct tph_str name = tph_json_get_str(tph_json_path(line, "object", "metadata", NULL), "name");
    const struct actor *a = play_find(p, c->subject);
    struct tph_edit_resubmit how = {.memoized = c->memoized,
                                    .name = name,
                                    .parameters = {.list = c->parameters, .n = c->n_parameters},
                                    .now_ms = p->now_ms};
    struct tph_json *made = NULL;
    if (!a || tph_edit_resubmit(p->c->doc, play_object(a), &how, &made, &err) < 0) {
        note_refusal(p, line, err.text);
        return NULL;
    }
    tph_json_set_cstr(p->c->doc, made, "kind", "Workflow");
    tph_json_set_str(p->c->doc, tph_json_get(made, "metadata"), "name", name);
    return made;
}

bool play_command(struct play *p, const struct tph_json *line)
{
    struct command c;
    if (!read_command(tph_json_get(line, "argo"), &c)) {
        return false;
    }
    for (size_t i = 0; i < N_VERBS; i++) {
        if (tph_str_eqz(c.verb, VERBS[i].name)) {
            return edit(p, line, &c, &VERBS[i]);
        }
    }
    struct tph_json *made = tph_str_eqz(c.verb, "submit")     ? from_object(p, &c)
                            : tph_str_eqz(c.verb, "resubmit") ? resubmitted(p, line, &c)
                                                              : NULL;
    return made && play_add(p, made) == 0 && play_begin(&p->actors[p->n_actors - 1]) == 0;
}
