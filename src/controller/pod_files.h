/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of sidecars in the directory of their logs: NAMESPACE_POD_CONTAINER.log (and .log.1) of each pod, and,
 * once it has ended, NAMESPACE_POD.json, the Pod as it was last. No name of these has an underscore of its own. Errors
 * are no reason to stop for anybody: what cannot be written or read is not there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "controller/controller.h"

/* It has ended. */
void tph_pod_files_end(const char *dir, struct tph_str ns, struct tph_str name, struct tph_str pod);
/* The Pod of one that has ended. */
bool tph_pod_files_read(const char *dir, struct tph_str ns, struct tph_str name, struct tph_buf *text);
/* All that have ended in a namespace, the newest first. */
void tph_pod_files_each(const char *dir, struct tph_str ns, void (*each)(void *owner, struct tph_str pod), void *owner);
/* The one of them that ended last with such a container; an empty one is any. */
bool tph_pod_files_newest(const char *dir, struct tph_str ns, struct tph_str container, struct tph_buf *ret_name);
/* Where its log is; an empty container is the one it has. */
bool tph_pod_files_log(const char *dir, struct tph_str ns, struct tph_str name, struct tph_str container,
                       struct tph_pod_log_files *ret);
/* Removes what has ended before that time (wall clock). */
void tph_pod_files_sweep(const char *dir, int64_t before_ms,
                         bool (*lives)(void *owner, struct tph_str ns, struct tph_str name), void *owner);
