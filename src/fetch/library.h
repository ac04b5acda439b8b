/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of src/fetch only: libcurl, loaded when it is first needed. */
#pragma once

#include <curl/curl.h>

#include "base/error.h"

/* What we call of it. The headers' own declarations give the types. */
struct fetch_library {
    void *handle;
    typeof(curl_global_init) *global_init;
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *easy);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *multi);
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t fd, int mask, int *running);
    CURLMcode (*multi_assign)(CURLM *multi, curl_socket_t fd, void *pointer);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
    CURLU *(*url)(void);
    void (*url_cleanup)(CURLU *url);
    CURLUcode (*url_set)(CURLU *url, CURLUPart part, const char *text, unsigned flags);
    CURLUcode (*url_get)(const CURLU *url, CURLUPart part, char **text, unsigned flags);
    void (*free)(void *pointer);
};

/* Never unloaded: its libraries have threads and exit handlers. Errors: NOT_FOUND, with what to install. */
int fetch_library_load(struct fetch_library *ret_library, struct tph_error *err) TPH_MUST_CHECK;
