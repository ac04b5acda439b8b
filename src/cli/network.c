/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/network.h"

#include <string.h>

#include "base/alloc.h"
#include "podrt/process.h"

int tph_cli_check_network(const char *option, bool plain, struct tph_error *err)
{
    return plain && option && strcmp(option, "host") != 0
               ? tph_error_set(err, TPH_ERROR_USAGE, "--unsafe-plain has the host's network only, so not --network %s",
                               option)
               : 0;
}

int tph_cli_network(const char *option, struct tph_podrt *rt, bool plain, enum tph_network *ret_network,
                    struct tph_error *err)
{
    enum tph_network network = !option || strcmp(option, "host") == 0 ? TPH_NETWORK_HOST
                               : strcmp(option, "none") == 0          ? TPH_NETWORK_NONE
                                                                      : TPH_NETWORK_ISOLATED;
    if (tph_cli_check_network(option, plain, err) < 0) {
        return -1;
    }
    if (network == TPH_NETWORK_ISOLATED && tph_process_open_uplink(rt, err) < 0) {
        return -1;
    }
    *ret_network = network;
    return 0;
}

int tph_cli_server_network(const char *option, struct tph_podrt *rt, bool plain, enum tph_network *ret_network,
                           char **ret_note, struct tph_error *err)
{
    struct tph_error why = TPH_ERROR_INIT;
    *ret_note = NULL;
    if (option || plain) {
        return tph_cli_network(option, rt, plain, ret_network, err);
    }
    if (tph_process_open_uplink(rt, &why) == 0) {
        *ret_network = TPH_NETWORK_ISOLATED;
        return 0;
    }
    *ret_network = TPH_NETWORK_HOST;
    *ret_note = tph_format("on the host's network, so it can reach local services: %.*s", (int)strcspn(why.text, "\n"),
                           why.text);
    return 0;
}
