/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of an answer a client takes (RFC 9110 Accept, with Kubernetes' parameters as=, v=, g=). Pure.
 *
 * The first of the list that can be served counts; weights are ignored but for q=0. JSON is all we write but for YAML:
 * a client that names protobuf first gets JSON, which its list must hold, as all genuine clients' do. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum tph_form {
    TPH_FORM_OBJECT,
    TPH_FORM_TABLE,
    TPH_FORM_PARTIAL,      /* PartialObjectMetadata: for single objects and watches */
    TPH_FORM_PARTIAL_LIST, /* PartialObjectMetadataList */
    TPH_FORM_DISCOVERY,    /* apidiscovery.k8s.io v2 APIGroupDiscoveryList */
};

struct tph_accept {
    enum tph_form form;
    bool yaml;
    bool v1beta1; /* of a table */
};

enum tph_accept_result {
    TPH_ACCEPT_OK,
    TPH_ACCEPT_NOT_MEDIA, /* no media type of ours */
    TPH_ACCEPT_NOT_FORM,  /* the media type, but as something that we cannot make */
};

/* header: NULL = anything. forms: bits 1 << enum tph_form that can be served besides OBJECT. */
enum tph_accept_result tph_accept_read(const char *header, unsigned forms, struct tph_accept *ret_accept);

/* The media type of a Content-Type, in small letters in room, without parameters. */
enum { TPH_MEDIA_TEXT = 96 };
struct tph_str tph_media_type(const char *header, char room[TPH_MEDIA_TEXT]);
