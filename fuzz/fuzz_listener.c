/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of /proc/net/tcp: what reads as a listener has an address and a port that were in the line. */
#include "fuzz.h"
#include "podrt/ports.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    struct tph_listener found;
    if (tph_listener_parse(text, &found) == 0) {
        char port[8];
        (void)snprintf(port, sizeof(port), ":%X", found.port);
        FUZZ_HOLDS(tph_str_find_byte(text, ':') >= 0);
        FUZZ_HOLDS(!found.everywhere || found.loopback);
        FUZZ_HOLDS(tph_str_find(text, tph_str(port + 1)) >= 0);
    }
    return 0;
}
