/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of an answer a client takes (RFC 9110 Accept, with Kubernetes' parameters as=, v=, g=). Pure.
 *
 * The best of the list that can be served counts, the first among equals. We write JSON and YAML. Who asks for protobuf
 * gets JSON and its Content-Type: every client that knows protobuf goes by that. */
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

/* header: NULL = anything. forms: bits 1 << enum tph_form that can be served besides OBJECT. custom: of a
 * CR, for which protobuf alone is not served, but application/any is: the other way round than for built-in kinds. */
enum tph_accept_result tph_accept_read(const char *header, unsigned forms, bool custom, struct tph_accept *ret_accept);

/* The media type of a Content-Type, in small letters in room, without parameters. */
enum { TPH_MEDIA_TEXT = 96 };
struct tph_str tph_media_type(const char *header, char room[TPH_MEDIA_TEXT]);
