/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfigs, a line "--" between two that are laid over each other: read or refused, and then with a reason; what is
 * read has a server, and every text of it is one. */
#include <string.h>

#include "fuzz.h"
#include "kube/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tph_str text = fuzz_text(data, size);
    ptrdiff_t cut = tph_str_find(text, TPH_STR("\n--\n"));
    const struct tph_kube_text texts[] = {
        {cut < 0 ? text : tph_str_slice(text, 0, (size_t)cut + 1), "/a/config"},
        {cut < 0 ? TPH_STR("") : tph_str_slice(text, (size_t)cut + 4, size), "config"},
    };
    const struct tph_kube_choice choices[] = {
        {.ns = NULL}, {.context = "a", .ns = "n"}, {.user = "a", .cluster = "a", .token = "t"}, {.server = "x:1"}};
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        struct tph_kube_config config;
        struct tph_error err = TPH_ERROR_INIT;
        if (tph_kube_config_parse(texts, 2, &choices[i], &config, &err) < 0) {
            FUZZ_HOLDS(err.kind != TPH_ERROR_NONE && err.text[0] != '\0');
            continue;
        }
        FUZZ_HOLDS(strncmp(config.server, "http://", 7) == 0 || strncmp(config.server, "https://", 8) == 0);
        FUZZ_HOLDS(!choices[i].token || strcmp(config.token, "t") == 0);
        FUZZ_HOLDS(!choices[i].ns || strcmp(config.ns, "n") == 0);
        FUZZ_HOLDS(config.ca.len == 0 || (config.ca_file[0] == '\0' && !config.insecure));
        for (size_t k = 0; k < config.n_as_groups; k++) {
            FUZZ_HOLDS(config.as_groups[k]);
        }
        for (size_t k = 0; config.exec && config.exec->args[k]; k++) {
            FUZZ_HOLDS(config.exec->command[0] != '\0' && !choices[i].token);
        }
        tph_kube_config_release(&config);
    }
    return 0;
}
