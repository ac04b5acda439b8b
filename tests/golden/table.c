/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler runs which table or folder. Later layers add their lines here and their handlers in h_*.c. */
#include <string.h>

#include "golden.h"

static const struct golden_entry entries[] = {
    {"anystring.jsonl", golden_anystring},
    {"json_encode.jsonl", golden_json_encode},
    {"quantity.jsonl", golden_quantity},
    {"yaml.jsonl", golden_yaml},
    {"yaml_emit.jsonl", golden_yaml_emit},
    {"lint.jsonl", golden_lint},
    {"lint_args.jsonl", golden_command_lint},
    {"lint_color.jsonl", golden_command_colors},
    {"lint_examples.jsonl", golden_command_examples},
    {"plugin_build/args.jsonl", golden_command_build},
    {"when.jsonl", golden_when},
    {"expr.jsonl", golden_expr},
    {"sprig.jsonl", golden_expr},
    {"sprig_more.jsonl", golden_expr},
    {"depends.jsonl", golden_depends},
    {"node_ids.jsonl", golden_node_ids},
    {"plugin_build", golden_plugin_build},
    {"cases", golden_cases},
    {"template.jsonl", golden_template},
    {"aggregate.jsonl", golden_aggregate},
    {"items.jsonl", golden_items},
    {"workflow_merge.jsonl", golden_merge},
    {"retry.jsonl", golden_edit},
    {"cron.jsonl", golden_cron},
    {"selectors.jsonl", golden_selectors},
    {"patch.jsonl", golden_patch},
    {"get_tree", golden_get_tree},
    {"get_tree/.", golden_get_tree_lists},
    {"get_tree/_humanize.jsonl", golden_humanize},
    {"cases/*/get.txt", golden_case_get},
    /* tests/golden/better */
    {"anystrings.jsonl", golden_better_anystrings},
    {"durations.jsonl", golden_better_durations},
    {"quantities.jsonl", golden_better_quantities},
    {"runs.jsonl", golden_better_runs},
    {"stuck.jsonl", golden_better_stuck},
};

golden_handler *golden_find(const char *file)
{
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (strcmp(entries[i].file, file) == 0) {
            return entries[i].run;
        }
    }
    return NULL;
}
