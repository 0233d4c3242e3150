/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/phase: adze-phase, which `adze phase` runs: bundles of models, each for a domain. */
#include "phase/verbs.h"

static const adze_cli_verb *const verbs[] = {
  &phase_verb_create, &phase_verb_add,  &phase_verb_edit,  &phase_verb_remove,   &phase_verb_status, &phase_verb_metric,
  &phase_verb_list,   &phase_verb_show, &phase_verb_clean, &phase_verb_validate, &phase_verb_build,  &phase_verb_deploy,
  &phase_verb_rollback, &phase_verb_table,
};

static const adze_cli_program program = { verbs, ADZE_CLI_COUNT_OF (verbs), "phase", "adze-phase", NULL };

int
main (int argc, char **argv)
{
  return adze_cli_main (&program, argc, argv);
}
