/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server keeps its state. */
#pragma once

#include "base/error.h"

/* given (--state) where it says something; else $XDG_STATE_HOME/tiphys, /var/lib/tiphys for root,
 * ~/.local/state/tiphys. The caller frees it. NULL: nobody says which (kind USAGE). */
char *tph_state_directory(const char *given, struct tph_error *err) TPH_MUST_CHECK;
