/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/state_directory.h"

#include <unistd.h>

#include "base/alloc.h"

char *tph_state_directory(const char *given, struct tph_error *err)
{
    const char *base = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (given && given[0] != '\0') {
        return tph_strdup(given);
    }
    if (base && base[0] == '/') {
        return tph_format("%s/tiphys", base);
    }
    if (geteuid() == 0) {
        return tph_strdup("/var/lib/tiphys");
    }
    if (home && home[0] == '/') {
        return tph_format("%s/.local/state/tiphys", home);
    }
    (void)tph_error_set(err, TPH_ERROR_USAGE, "nobody says where the state is kept\n  name a directory: --state DIR");
    return NULL;
}
