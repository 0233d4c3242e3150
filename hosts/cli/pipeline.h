/* SPDX-License-Identifier: Apache-2.0 */
/* cli/pipeline.h: what the verbs share that take a pipeline. */
#ifndef ADZE_CLI_PIPELINE_H
#define ADZE_CLI_PIPELINE_H

#include "cli/cli.h"

typedef struct adze_cli_plan {
  adze_pipeline *pipeline;
  adze_plan *plan;
} adze_cli_plan;

/* The option of all of them beside --set. */
#define ADZE_CLI_BACKEND_OPTION \
  { "backend", 0, false, "NAME", "who computes, whatever [run] says; `adze list backend` shows them" }

/* The pipeline that the first word names, with what --set and --backend say. 0, or an exit status
 * whose reason has been said. */
int adze_cli_pipeline_open (adze_cli *cli, const adze_cli_arguments *arguments,
                            adze_pipeline **pipeline);
/* The same and its plan. Close it either way. */
int adze_cli_plan_open (adze_cli *cli, const adze_cli_arguments *arguments, adze_cli_plan *opened);
void adze_cli_plan_close (adze_cli_plan *opened);

#endif
