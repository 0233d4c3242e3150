/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: the verbs of the adze command. */
#include "cli/cli.h"

static const adze_cli_verb *const verbs[] = {
  &adze_cli_init, &adze_cli_check, &adze_cli_plan_of, &adze_cli_run, &adze_cli_runs_list,
  &adze_cli_runs_show, &adze_cli_runs_table, &adze_cli_runs_clean, &adze_cli_why,
  &adze_cli_schema, &adze_cli_show_model, &adze_cli_diff, &adze_cli_convert, &adze_cli_data,
  &adze_cli_list, &adze_cli_inspect, &adze_cli_backend_list, &adze_cli_backend_check,
  &adze_cli_backend_bench, &adze_cli_plugin_list, &adze_cli_plugin_rescan,
  &adze_cli_plugin_new, &adze_cli_plugin_check, &adze_cli_plugin_doctor, &adze_cli_plugin_try,
  &adze_cli_plugin_dump, &adze_cli_plugin_stamp, &adze_cli_plugin_key,
};

static const adze_cli_companion companions[] = {
  { "phase", "build bundles of models, one for each domain, and deploy them (the program adze-phase)" },
  { NULL, NULL },
};

const adze_cli_program adze_cli_adze = { verbs, ADZE_CLI_COUNT_OF (verbs), NULL, NULL, companions };
