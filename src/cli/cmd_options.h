/* SPDX-License-Identifier: Apache-2.0 */
/* The option tables of the verbs, each defined in its verb's file. */
#pragma once

#include "cli/cli.h"

extern const struct tph_option tph_run_options_table[];
extern const struct tph_option tph_lint_options_table[];
extern const struct tph_option tph_plugin_build_options[];
extern const struct tph_option tph_plugin_list_options[];
extern const struct tph_option tph_plugin_run_options[];
extern const struct tph_option tph_doctor_options[];
extern const struct tph_option tph_server_options[];
extern const struct tph_option tph_token_add_options[];
extern const struct tph_option tph_token_options[]; /* list, remove */
extern const struct tph_option tph_get_options_table[];
extern const struct tph_option tph_list_options_table[];
extern const struct tph_option tph_delete_options_table[];
extern const struct tph_option tph_submit_options_table[];
extern const struct tph_option tph_watch_options_table[];
extern const struct tph_option tph_logs_options_table[];
extern const struct tph_option tph_plugins_options[];
extern const struct tph_option tph_plugin_add_options[]; /* add, remove */
