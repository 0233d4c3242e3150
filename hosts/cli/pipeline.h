/* SPDX-License-Identifier: Apache-2.0 */
/* cli/pipeline.h: what the verbs share that take a pipeline. */
#ifndef ADZE_CLI_PIPELINE_H
#define ADZE_CLI_PIPELINE_H

#include "cli/cli.h"

typedef struct adze_cli_plan {
  adze_pipeline *pipeline;
  adze_plan *plan;
} adze_cli_plan;

/* The pipeline that the first word names, with what --set says. Close it either way. 0, or an exit
 * status whose reason has been said. */
int adze_cli_plan_open (adze_cli *cli, const adze_cli_arguments *arguments, adze_cli_plan *opened);
void adze_cli_plan_close (adze_cli_plan *opened);

#endif
