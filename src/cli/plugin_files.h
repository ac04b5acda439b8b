/* SPDX-License-Identifier: Apache-2.0 */
/* Have the files of a plugin changed? */
#pragma once

#include <stdint.h>

#include "cli/cli.h"

/* A number that stands for names, sizes and times of the files, and of those in the directories (not deeper; without
 * those that editors make: hidden ones and backups). What cannot be read counts as not there. */
uint64_t tph_plugin_files_mark(const struct tph_texts *paths);
