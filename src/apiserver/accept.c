/* SPDX-License-Identifier: Apache-2.0 */
#include "apiserver/accept.h"

#include <ctype.h>
#include <string.h>

struct media {
    struct tph_str type;
    struct tph_str as, version, group, q;
};

static void read_media(struct tph_str text, struct media *m)
{
    struct tph_str rest = text;
    struct tph_str part;
    *m = (struct media){.type = TPH_STR_NONE};
    if (rest.p && tph_str_cut(&rest, ';', &part)) {
        m->type = tph_str_trim(part);
    }
    while (rest.p && tph_str_cut(&rest, ';', &part)) {
        ptrdiff_t equals = tph_str_find_byte(part, '=');
        if (equals < 0) {
            continue;
        }
        struct tph_str key = tph_str_trim(tph_str_slice(part, 0, (size_t)equals));
        struct tph_str value = tph_str_trim(tph_str_slice(part, (size_t)equals + 1, part.len));
        if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"') {
            value = tph_str_slice(value, 1, value.len - 1);
        }
        if (tph_str_eqz(key, "as")) {
            m->as = value;
        } else if (tph_str_eqz(key, "v")) {
            m->version = value;
        } else if (tph_str_eqz(key, "g")) {
            m->group = value;
        } else if (tph_str_eqz(key, "q")) {
            m->q = value;
        }
    }
}

/* The form that a media type asks for; -1 when there is none of that name. */
static int form_of(const struct media *m, unsigned forms, bool *ret_v1beta1)
{
    static const struct {
        const char *as, *group;
        enum tph_form form;
    } known[] = {
        {"Table", "meta.k8s.io", TPH_FORM_TABLE},
        {"PartialObjectMetadata", "meta.k8s.io", TPH_FORM_PARTIAL},
        {"PartialObjectMetadataList", "meta.k8s.io", TPH_FORM_PARTIAL_LIST},
        {"APIGroupDiscoveryList", "apidiscovery.k8s.io", TPH_FORM_DISCOVERY},
    };
    bool old = tph_str_eqz(m->version, "v1beta1");
    *ret_v1beta1 = old;
    if (m->as.len == 0) {
        return TPH_FORM_OBJECT;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        bool version = known[i].form == TPH_FORM_DISCOVERY
                           ? tph_str_eqz(m->version, "v2")
                           : tph_str_eqz(m->version, "v1") || (old && known[i].form != TPH_FORM_PARTIAL_LIST);
        if (tph_str_eqz(m->as, known[i].as) && tph_str_eqz(m->group, known[i].group) && version &&
            (forms & (1U << known[i].form)) != 0) {
            return (int)known[i].form;
        }
    }
    return -1;
}

/* q=0.1 as thousandths; 1000 when there is none, or none that can be read. */
static int quality(struct tph_str q)
{
    int value = 0;
    int unit = 100;
    if (q.len < 2 || q.p[0] != '0' || q.p[1] != '.') {
        return q.len == 1 && q.p[0] == '0' ? 0 : 1000;
    }
    for (size_t i = 2; i < q.len && i < 5 && q.p[i] >= '0' && q.p[i] <= '9'; i++) {
        value += (q.p[i] - '0') * unit;
        unit /= 10;
    }
    return value;
}

enum tph_accept_result tph_accept_read(const char *header, unsigned forms, bool custom, struct tph_accept *ret_accept)
{
    struct tph_str rest = tph_str(header && header[0] ? header : "*/*");
    struct tph_str part;
    enum tph_accept_result result = TPH_ACCEPT_NOT_MEDIA;
    int best = 0;
    while (rest.p && tph_str_cut(&rest, ',', &part)) {
        struct media m;
        bool v1beta1;
        read_media(part, &m);
        bool yaml = tph_str_eqz(m.type, "application/yaml");
        bool any = tph_str_eqz(m.type, "*/*") || tph_str_eqz(m.type, "application/json") ||
                   tph_str_eqz(m.type, custom ? "application/*" : "application/vnd.kubernetes.protobuf");
        if ((!any && !yaml) || quality(m.q) <= best) {
            continue;
        }
        int form = form_of(&m, forms, &v1beta1);
        if (form < 0) {
            result = result == TPH_ACCEPT_OK ? result : TPH_ACCEPT_NOT_FORM;
            continue;
        }
        *ret_accept = (struct tph_accept){.form = (enum tph_form)form, .yaml = yaml, .v1beta1 = v1beta1};
        best = quality(m.q);
        result = TPH_ACCEPT_OK;
    }
    return result;
}

struct tph_str tph_media_type(const char *header, char room[TPH_MEDIA_TEXT])
{
    struct tph_str text = tph_str(header);
    struct tph_str type = TPH_STR_NONE;
    if (text.p && tph_str_cut(&text, ';', &type)) {
        type = tph_str_trim(type);
    }
    size_t n = type.len < TPH_MEDIA_TEXT ? type.len : TPH_MEDIA_TEXT - 1;
    for (size_t i = 0; i < n; i++) {
        room[i] = (char)tolower((unsigned char)type.p[i]);
    }
    room[n] = '\0';
    return (struct tph_str){.p = room, .len = n};
}
