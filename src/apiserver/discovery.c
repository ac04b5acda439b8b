/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of one group version stand together in the table; so groups are found by a change from row to row. */
#include "apiserver/discovery.h"

#include <stdio.h>

#include "apiserver/kinds.h"
#include "data/digest.h"

void tph_discovery_versions(const char *address, struct tph_buf *out)
{
    (void)tph_buf_printf(
        out,
        "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":[{\"clientCIDR\":"
        "\"0.0.0.0/0\",\"serverAddress\":\"%s\"}]}",
        address);
}

static bool same_group(const struct tph_kind *a, const struct tph_kind *b)
{
    return tph_str_eqz(tph_str(a->group), b->group);
}

static bool same_version(const struct tph_kind *a, const struct tph_kind *b)
{
    return same_group(a, b) && tph_str_eqz(tph_str(a->version), b->version);
}

static void write_version(const struct tph_kind *kind, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "{\"groupVersion\":\"%s/%s\",\"version\":\"%s\"}", kind->group, kind->version,
                         kind->version);
}

/* From the first kind of a group on: its name, versions and the one that is preferred, which is its first. */
static void write_group(const struct tph_kind *first, const struct tph_kind *end, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "\"name\":\"%s\",\"versions\":[", first->group);
    for (const struct tph_kind *k = first; k < end && same_group(k, first); k++) {
        if (k == first || !same_version(k, k - 1)) {
            (void)tph_buf_puts(out, k == first ? "" : ",");
            write_version(k, out);
        }
    }
    (void)tph_buf_puts(out, "],\"preferredVersion\":");
    write_version(first, out);
    (void)tph_buf_putc(out, '}');
}

void tph_discovery_groups(struct tph_buf *out)
{
    size_t n = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    const char *comma = "";
    (void)tph_buf_puts(out, "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[");
    for (const struct tph_kind *k = kinds; k < kinds + n; k++) {
        if (k->group[0] && (k == kinds || !same_group(k, k - 1))) {
            (void)tph_buf_printf(out, "%s{", comma);
            write_group(k, kinds + n, out);
            comma = ",";
        }
    }
    (void)tph_buf_puts(out, "]}");
}

bool tph_discovery_group(struct tph_str group, struct tph_buf *out)
{
    size_t n = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    const struct tph_kind *k = kinds;
    while (k < kinds + n && !tph_str_eqz(group, k->group)) {
        k++;
    }
    if (group.len == 0 || k == kinds + n) {
        return false;
    }
    (void)tph_buf_puts(out, "{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",");
    write_group(k, kinds + n, out);
    return true;
}

/* Core kinds name their verbs by the alphabet, custom ones in an order of their own. */
static void write_verbs(const struct tph_kind *kind, unsigned verbs, struct tph_buf *out)
{
    static const enum tph_api_verb core[] = {TPH_API_CREATE, TPH_API_DELETE, TPH_API_DELETE_COLLECTION,
                                             TPH_API_GET,    TPH_API_LIST,   TPH_API_PATCH,
                                             TPH_API_UPDATE, TPH_API_WATCH};
    static const enum tph_api_verb custom[] = {TPH_API_DELETE, TPH_API_DELETE_COLLECTION,
                                               TPH_API_GET,    TPH_API_LIST,
                                               TPH_API_PATCH,  TPH_API_CREATE,
                                               TPH_API_UPDATE, TPH_API_WATCH};
    const enum tph_api_verb *order = kind->flags & TPH_KIND_CUSTOM ? custom : core;
    const char *comma = "";
    (void)tph_buf_puts(out, "\"verbs\":[");
    for (size_t i = 0; i < sizeof core / sizeof *core; i++) {
        if (verbs & order[i]) {
            (void)tph_buf_printf(out, "%s\"%s\"", comma, tph_api_verb_name(order[i]));
            comma = ",";
        }
    }
    (void)tph_buf_putc(out, ']');
}

static void write_names(const char *key, const char *const *names, struct tph_buf *out)
{
    if (!names[0]) {
        return;
    }
    (void)tph_buf_printf(out, ",\"%s\":[", key);
    for (size_t i = 0; names[i]; i++) {
        (void)tph_buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", names[i]);
    }
    (void)tph_buf_putc(out, ']');
}

static void write_resource(const struct tph_kind *k, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "{\"name\":\"%s\",\"singularName\":\"%s\",\"namespaced\":%s,\"kind\":\"%s\",", k->plural,
                         k->singular, k->namespaced ? "true" : "false", k->kind);
    write_verbs(k, k->verbs, out);
    write_names("shortNames", k->short_names, out);
    write_names("categories", k->categories, out);
    if (k->storage_hash[0]) {
        (void)tph_buf_printf(out, ",\"storageVersionHash\":\"%s\"", k->storage_hash);
    }
    (void)tph_buf_putc(out, '}');
    for (const struct tph_kind_sub *sub = k->subs; sub && sub->name; sub++) {
        (void)tph_buf_printf(out, ",{\"name\":\"%s/%s\",\"singularName\":\"\",\"namespaced\":%s,", k->plural, sub->name,
                             k->namespaced ? "true" : "false");
        if (sub->group) {
            (void)tph_buf_printf(out, "\"group\":\"%s\",\"version\":\"%s\",", sub->group, sub->version);
        }
        (void)tph_buf_printf(out, "\"kind\":\"%s\",", sub->kind);
        write_verbs(k, sub->verbs, out);
        (void)tph_buf_putc(out, '}');
    }
}

bool tph_discovery_resources(struct tph_str group, struct tph_str version, struct tph_buf *out)
{
    size_t n = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    const char *comma = "";
    if (version.len == 0 || !tph_kind_group_served(group, version)) {
        return false;
    }
    (void)tph_buf_printf(out, "{\"kind\":\"APIResourceList\",%s\"groupVersion\":\"%.*s%s%.*s\",\"resources\":[",
                         group.len > 0 ? "\"apiVersion\":\"v1\"," : "", TPH_FMT(group), group.len > 0 ? "/" : "",
                         TPH_FMT(version));
    for (const struct tph_kind *k = kinds; k < kinds + n; k++) {
        if (tph_str_eqz(group, k->group) && tph_str_eqz(version, k->version)) {
            (void)tph_buf_puts(out, comma);
            write_resource(k, out);
            comma = ",";
        }
    }
    (void)tph_buf_puts(out, "]}");
    return true;
}

/* Only custom kinds tell their group there. */
static void write_response_kind(const struct tph_kind *k, const char *group, const char *version, const char *kind,
                                struct tph_buf *out)
{
    bool custom = k->flags & TPH_KIND_CUSTOM;
    (void)tph_buf_printf(out, "\"responseKind\":{\"group\":\"%s\",\"version\":\"%s\",\"kind\":\"%s\"},",
                         group    ? group
                         : custom ? k->group
                                  : "",
                         version  ? version
                         : custom ? k->version
                                  : "",
                         kind);
}

static void write_aggregated(const struct tph_kind *k, struct tph_buf *out)
{
    (void)tph_buf_printf(out, "{\"resource\":\"%s\",", k->plural);
    write_response_kind(k, NULL, NULL, k->kind, out);
    (void)tph_buf_printf(out, "\"scope\":\"%s\",\"singularResource\":\"%s\",", k->namespaced ? "Namespaced" : "Cluster",
                         k->singular);
    write_verbs(k, k->verbs, out);
    write_names("shortNames", k->short_names, out);
    write_names("categories", k->categories, out);
    for (const struct tph_kind_sub *sub = k->subs; sub && sub->name; sub++) {
        (void)tph_buf_puts(out, sub == k->subs ? ",\"subresources\":[" : ",");
        (void)tph_buf_printf(out, "{\"subresource\":\"%s\",", sub->name);
        write_response_kind(k, sub->group, sub->version, sub->kind, out);
        write_verbs(k, sub->verbs, out);
        (void)tph_buf_puts(out, sub[1].name ? "}" : "}]");
    }
    (void)tph_buf_putc(out, '}');
}

void tph_discovery_aggregated(bool core, struct tph_buf *out)
{
    size_t n = 0;
    const struct tph_kind *kinds = tph_kinds(&n);
    const struct tph_kind *before = NULL;
    (void)tph_buf_puts(
        out,
        "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/v2\",\"metadata\":{},\"items\":[");
    for (const struct tph_kind *k = kinds; k < kinds + n; k++) {
        if (core != (k->group[0] == '\0')) {
            continue;
        }
        if (before && same_version(before, k)) {
            (void)tph_buf_putc(out, ',');
        } else {
            bool next = before && same_group(before, k);
            (void)tph_buf_puts(out, !before ? ""
                                    : next  ? "],\"freshness\":\"Current\"},"
                                            : "],\"freshness\":\"Current\"}]},");
            if (!next) {
                (void)tph_buf_printf(
                    out, core ? "{\"metadata\":{%s},\"versions\":[" : "{\"metadata\":{\"name\":\"%s\"},\"versions\":[",
                    k->group);
            }
            (void)tph_buf_printf(out, "{\"version\":\"%s\",\"resources\":[", k->version);
        }
        write_aggregated(k, out);
        before = k;
    }
    (void)tph_buf_puts(out, before ? "],\"freshness\":\"Current\"}]}]}" : "]}");
}

void tph_etag(struct tph_str document, char text[TPH_ETAG_TEXT])
{
    unsigned char digest[TPH_SHA512_BYTES];
    tph_sha512(document, digest);
    text[0] = '"';
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(text + 1 + 2 * i, 3, "%02X", digest[i]);
    }
    text[129] = '"';
    text[130] = '\0';
}
