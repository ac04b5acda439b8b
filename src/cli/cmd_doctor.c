/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys doctor: what this machine offers to sidecars and what it lacks, with the consequence and the cure of each.
 *
 * Nothing is changed. Ends with 1 when sidecars cannot be isolated here: then `run` refuses to start them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/cmd_options.h"
#include "data/json.h"
#include "podrt/image.h"
#include "podrt/machine.h"

enum { NAME_WIDTH = 13, LANDLOCK_SCOPES = 6 };

enum state { GOOD, WARNING, MISSING };

/* One line of the report. Texts are owned. */
struct finding {
    enum state state;
    char *name, *text, *cure; /* cure may be NULL */
};

struct report {
    struct finding *list;
    size_t n, capacity;
    size_t n_warnings, n_without_interpreter;
    bool broken; /* sidecars cannot be isolated */
};

struct doctor_options {
    bool images;
    const char *images_file, *output;
};

const struct tph_option tph_doctor_options[] = {
    {"images", 0, TPH_OPTION_FLAG, offsetof(struct doctor_options, images), NULL, NULL,
     "show what every image is mapped to"},
    {"images-file", 0, TPH_OPTION_TEXT, offsetof(struct doctor_options, images_file), "FILE", NULL,
     "use this map in place of the configured ones"},
    {"output", 'o', TPH_OPTION_CHOICE, offsetof(struct doctor_options, output), "FORMAT", "wide|json",
     "what standard output gets: wide (default) or json"},
    {.name = NULL},
};

static void add(struct report *r, enum state state, const char *name, char *text, char *cure)
{
    if (r->n == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 16;
        r->list = tph_realloc(r->list, r->capacity * sizeof(*r->list));
    }
    r->list[r->n++] = (struct finding){.state = state, .name = tph_strdup(name), .text = text, .cure = cure};
    r->n_warnings += state == WARNING ? 1 : 0;
}

static void report_release(struct report *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->list[i].name);
        free(r->list[i].text);
        free(r->list[i].cure);
    }
    free(r->list);
}

/* The machine */

static char *cure_of_namespaces(const struct tph_machine *m)
{
    if (!m->userns_off) {
        return tph_strdup("allow this user to make user namespaces; inside a container: run it with --privileged, or "
                          "with seccomp and AppArmor unconfined");
    }
    const char *name = m->userns_off + strlen("/proc/sys/");
    if (strstr(name, "apparmor")) {
        return tph_strdup("give the program an AppArmor profile that allows userns (./dev setup does), or "
                          "sysctl kernel.apparmor_restrict_unprivileged_userns=0");
    }
    return strstr(name, "max") ? tph_strdup("sysctl user.max_user_namespaces=15000")
                               : tph_strdup("sysctl kernel.unprivileged_userns_clone=1");
}

/* Cuts what to do about it off an error's text; NULL when it says nothing of that. */
static char *cut_hint(struct tph_error *err)
{
    char *end = strchr(err->text, '\n');
    if (!end) {
        return NULL;
    }
    *end = '\0';
    return tph_strdup(end + 1 + strspn(end + 1, " "));
}

/* What `server` gives sidecars where it can be had. */
static void look_at_isolated(struct report *r)
{
    struct tph_error err = TPH_ERROR_INIT;
    TPH_CLEANUP(tph_freep) char *changes = NULL;
    if (tph_machine_try_uplink(&changes, &err) < 0) {
        TPH_CLEANUP(tph_freep) char *cure = cut_hint(&err);
        add(r, WARNING, "isolated",
            tph_format("--network isolated, the server's default, cannot be had, so its plugins can reach local "
                       "services: %s",
                       err.text),
            TPH_TAKE(cure));
        return;
    }
    add(r, GOOD, "isolated",
        tph_format("the server's default: plugins reach other machines and nothing of this one%s%s",
                   changes ? "; while it runs " : "", changes ? changes : ""),
        NULL);
}

static void look_at_namespaces(struct report *r, const struct tph_machine *m)
{
    struct tph_error err = TPH_ERROR_INIT;
    if (tph_machine_try(0, &err) < 0) {
        TPH_CLEANUP(tph_freep) char *hint = cut_hint(&err);
        bool forbidden = !hint || strstr(err.text, "clone3");
        TPH_CLEANUP(tph_freep) char *cure = forbidden ? cure_of_namespaces(m) : TPH_TAKE(hint);
        add(r, MISSING, "namespaces", tph_format("sidecars cannot be isolated, so none is started: %s", err.text),
            forbidden && !m->root ? tph_format("%s; for development only, --unsafe-plain does without", cure)
                                  : TPH_TAKE(cure));
        r->broken = true;
        return;
    }
    add(r, GOOD, "namespaces",
        m->root ? tph_strdup("user, mount, pid, ipc, uts; sidecars run as uids above 300000")
        : m->subordinate > 0
            ? tph_format("user, mount, pid, ipc, uts; sidecars run as subordinate uids of yours, such as %lld",
                         (long long)m->subordinate)
            : tph_format("user, mount, pid, ipc, uts; sidecars run as uid %d, which is you, without your files",
                         (int)geteuid()),
        NULL);
    if (tph_machine_try(TPH_MACHINE_OWN_NETWORK, &err) < 0) {
        free(cut_hint(&err)); /* the cure is known */
        add(r, WARNING, "network", tph_format("--network none does not work: %s", err.text),
            tph_strdup("sysctl user.max_net_namespaces=15000"));
        return;
    }
    add(r, GOOD, "network",
        tph_strdup("host by default: plugins can reach local services; --network none keeps them from all"), NULL);
    look_at_isolated(r);
}

static void look_at_limits(struct report *r, const struct tph_machine *m)
{
    if (m->memory && m->cpu && m->processes) {
        add(r, GOOD, "limits", tph_format("memory, cpu and processes by cgroup %s", m->cgroup), NULL);
        return;
    }
    struct tph_buf text = TPH_BUF_INIT(TPH_KIB(1));
    (void)tph_buf_printf(&text, "%s%s%s %s not limited", m->memory ? "" : "memory", m->memory || m->cpu ? "" : " and ",
                         m->cpu ? "" : "cpu", m->memory || m->cpu ? "is" : "are");
    if (m->memory && m->cpu) {
        tph_buf_clear(&text);
        (void)tph_buf_printf(&text, "memory and cpu by cgroup %s", m->cgroup);
    }
    (void)tph_buf_puts(&text, m->processes ? "; processes by cgroup" : "; processes by rlimit");
    bool enough = m->memory && m->cpu;
    add(r, enough ? GOOD : WARNING, "limits", tph_buf_take(&text, NULL),
        enough    ? NULL
        : m->root ? tph_strdup("mount a writable cgroup file system")
                  : tph_strdup("systemd-run --user --scope -p Delegate=yes tiphys ..., where cgroup v2 is"));
}

static void look_at_landlock(struct report *r, const struct tph_machine *m)
{
    char name[24];
    (void)snprintf(name, sizeof(name), "landlock %d", m->landlock);
    if (m->landlock >= LANDLOCK_SCOPES) {
        add(r, GOOD, name, tph_strdup("abstract sockets and signals stay inside the sandbox"), NULL);
        return;
    }
    add(r, WARNING, m->landlock > 0 ? name : "landlock",
        tph_strdup("abstract sockets of the machine are reachable from sidecars"), tph_strdup("Linux 6.12 or newer"));
}

static void look_at_seccomp(struct report *r, const struct tph_machine *m)
{
    if (m->seccomp) {
        add(r, GOOD, "seccomp", tph_strdup("sidecars have the system calls of an ordinary program and no others"),
            NULL);
    } else {
        add(r, MISSING, "seccomp", tph_strdup("no filter of system calls can be installed"),
            tph_strdup("a kernel with CONFIG_SECCOMP_FILTER"));
        r->broken = true;
    }
}

/* kubectl is for clusters and for the server; its absence is nothing wrong. */
static void look_at_kubectl(struct report *r)
{
    TPH_CLEANUP(tph_freep) char *path = tph_image_find_program("/", "kubectl");
    const char *config = getenv("KUBECONFIG");
    const char *home = getenv("HOME");
    TPH_CLEANUP(tph_freep) char *usual = tph_format("%s/.kube/config", home ? home : "");
    if (!path) {
        return;
    }
    if (!config || *config == '\0') {
        config = access(usual, R_OK) == 0 ? usual : NULL;
    }
    add(r, GOOD, "kubectl",
        config ? tph_format("%s, configured by %s", path, config) : tph_format("%s, no cluster configured", path),
        NULL);
}

/* Images */

static char *install_hint(const struct tph_image_program *program)
{
    return program->package ? tph_format("apt install %s", program->package)
                            : tph_format("install %s, or map the image in images.yaml", program->file);
}

/* The programs of one image as "PATH VERSION, ...". *ret_missing: the first that is not there. */
static char *describe_programs(const struct tph_image *image, const struct tph_image_program **ret_missing)
{
    struct tph_buf text = TPH_BUF_INIT(TPH_KIB(4));
    TPH_CLEANUP(tph_buf_release) struct tph_buf before = TPH_BUF_INIT(TPH_KIB(4));
    *ret_missing = NULL;
    for (size_t i = 0; i < image->n_programs; i++) {
        const struct tph_image_program *program = &image->programs[i];
        TPH_CLEANUP(tph_freep) char *path = tph_image_find_program("/", program->file);
        if (!path) {
            *ret_missing = *ret_missing ? *ret_missing : program;
            continue;
        }
        if (tph_str_eqz(tph_buf_str(&before), path)) {
            continue; /* python and python3 are one file */
        }
        TPH_CLEANUP(tph_freep) char *version = tph_machine_version(path);
        (void)tph_buf_printf(&text, "%s%s%s%s", text.len > 0 ? ", " : "", path, version ? " " : "",
                             version ? version : "");
        tph_buf_clear(&before);
        (void)tph_buf_puts(&before, path);
    }
    return tph_buf_take(&text, NULL);
}

static void look_at_image(struct report *r, const struct tph_image *image)
{
    char name[128];
    (void)snprintf(name, sizeof(name), "%s%s", image->pattern, strchr(image->pattern, ':') ? "" : ":*");
    if (image->root) {
        bool there = access(image->root, R_OK | X_OK) == 0;
        add(r, there ? GOOD : MISSING, name,
            tph_format("root directory %s (%s)%s", image->root, image->source, there ? "" : ", which cannot be read"),
            NULL);
        return;
    }
    const struct tph_image_program *missing = NULL;
    TPH_CLEANUP(tph_freep) char *text = describe_programs(image, &missing);
    if (missing) {
        r->n_without_interpreter++;
        add(r, MISSING, name, tph_format("no %s on this machine", missing->file), install_hint(missing));
    } else {
        add(r, GOOD, name, image->n_programs > 0 ? TPH_TAKE(text) : tph_strdup("this machine's files"), NULL);
    }
}

/* Without --images those that most plugins use, and the machine's own entries. */
static bool is_common(const struct tph_image *image)
{
    static const char *const common[] = {"python", "node", "alpine", "debian"};
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        if (strcmp(image->pattern, common[i]) == 0) {
            return true;
        }
    }
    return image->source != NULL;
}

static void look_at_images(struct report *r, const struct tph_images *images, bool all)
{
    for (size_t i = 0; i < tph_images_len(images); i++) {
        const struct tph_image *image = tph_images_at(images, i);
        if (all || is_common(image)) {
            look_at_image(r, image);
        }
    }
}

/* Output */

static void pad(struct tph_buf *out, const char *text, size_t width)
{
    size_t have = tph_utf8_width(tph_str(text));
    (void)tph_buf_puts(out, text);
    for (size_t i = have; i < width; i++) {
        (void)tph_buf_putc(out, ' ');
    }
}

static void put_finding(const struct tph_cli *cli, const struct finding *f, size_t name_width, size_t text_width,
                        struct tph_buf *out)
{
    static const struct {
        const char *icon, *word, *color;
    } looks[] = {
        [GOOD] = {"✔", "ok     ", "32"}, [WARNING] = {"⚠", "warning", "33"}, [MISSING] = {"✖", "missing", "31"}};
    const char *mark = cli->utf8 ? looks[f->state].icon : looks[f->state].word;
    if (cli->color) {
        (void)tph_buf_printf(out, " \033[%sm%s\033[0m ", looks[f->state].color, mark);
    } else {
        (void)tph_buf_printf(out, " %s ", mark);
    }
    pad(out, f->name, name_width);
    (void)tph_buf_puts(out, "  ");
    if (f->cure) {
        pad(out, f->text, text_width);
        (void)tph_buf_printf(out, "  cure: %s", f->cure);
    } else {
        (void)tph_buf_puts(out, f->text);
    }
    (void)tph_buf_putc(out, '\n');
}

static void put_summary(const struct report *r, struct tph_buf *out)
{
    (void)tph_buf_puts(out, r->broken ? "sidecars cannot be isolated here"
                                      : "sidecars are isolated from each other and from you");
    if (r->n_warnings > 0) {
        (void)tph_buf_printf(out, "; %zu warning%s", r->n_warnings, r->n_warnings == 1 ? "" : "s");
    }
    if (r->n_without_interpreter > 0) {
        (void)tph_buf_printf(out, "%s %zu image%s without interpreter", r->n_warnings > 0 ? "," : ";",
                             r->n_without_interpreter, r->n_without_interpreter == 1 ? "" : "s");
    }
    (void)tph_buf_putc(out, '\n');
}

static void put_text(const struct tph_cli *cli, const struct report *r, struct tph_buf *out)
{
    enum { TEXT_WIDTH = 72 };
    size_t name_width = NAME_WIDTH, text_width = 0;
    for (size_t i = 0; i < r->n; i++) {
        size_t width = tph_utf8_width(tph_str(r->list[i].name));
        name_width = width > name_width ? width : name_width;
        width = r->list[i].cure ? tph_utf8_width(tph_str(r->list[i].text)) : 0;
        text_width = width > text_width && width <= TEXT_WIDTH ? width : text_width;
    }
    for (size_t i = 0; i < r->n; i++) {
        put_finding(cli, &r->list[i], name_width, text_width, out);
    }
    put_summary(r, out);
}

static void put_json(const struct report *r, struct tph_buf *out)
{
    static const char *const states[] = {[GOOD] = "ok", [WARNING] = "warning", [MISSING] = "missing"};
    TPH_CLEANUP(tph_json_doc_freep) struct tph_json_doc *doc = tph_json_doc_new();
    struct tph_json *root = tph_json_new_object(doc);
    struct tph_json *list = tph_json_new_array(doc);
    tph_json_set(doc, root, "isolated", tph_json_new_bool(doc, !r->broken));
    for (size_t i = 0; i < r->n; i++) {
        struct tph_json *item = tph_json_new_object(doc);
        tph_json_set_cstr(doc, item, "name", r->list[i].name);
        tph_json_set_cstr(doc, item, "state", states[r->list[i].state]);
        tph_json_set_cstr(doc, item, "text", r->list[i].text);
        if (r->list[i].cure) {
            tph_json_set_cstr(doc, item, "cure", r->list[i].cure);
        }
        tph_json_append(doc, list, item);
    }
    tph_json_set(doc, root, "findings", list);
    tph_json_write(root, TPH_JSON_PRETTY, out);
    (void)tph_buf_putc(out, '\n');
}

int tph_cmd_doctor(const struct tph_cli *cli, const struct tph_command *command, int argc, char **argv)
{
    struct doctor_options options = {.output = "wide"};
    TPH_CLEANUP(tph_texts_release) struct tph_texts arguments = {.list = NULL};
    TPH_CLEANUP(tph_images_freep) struct tph_images *images = NULL;
    TPH_CLEANUP(report_release) struct report report = {.list = NULL};
    TPH_CLEANUP(tph_buf_release) struct tph_buf out = TPH_BUF_INIT(TPH_MIB(8));
    struct tph_error err = TPH_ERROR_INIT;
    int code = 0;
    if (tph_cli_parse(cli, command, argc, argv, &options, &arguments, &code)) {
        return code;
    }
    if (arguments.n > 0) {
        return tph_cli_usage(cli, command, "doctor takes no arguments");
    }
    const char *file = options.images_file;
    if (tph_images_new(&file, file ? 1 : 0, &images, &err) < 0) {
        return tph_cli_error(cli, &err);
    }
    struct tph_machine machine = tph_machine_look();
    look_at_namespaces(&report, &machine);
    look_at_limits(&report, &machine);
    look_at_landlock(&report, &machine);
    look_at_seccomp(&report, &machine);
    look_at_images(&report, images, options.images);
    look_at_kubectl(&report);
    if (strcmp(options.output, "json") == 0) {
        put_json(&report, &out);
    } else {
        put_text(cli, &report, &out);
    }
    int failed = tph_fd_write_all(STDOUT_FILENO, tph_buf_str(&out));
    return failed < 0 || report.broken ? TPH_EXIT_FAILED : TPH_EXIT_OK;
}
