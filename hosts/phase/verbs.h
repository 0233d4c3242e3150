/* SPDX-License-Identifier: Apache-2.0 */
/* phase/verbs.h: the verbs of adze-phase; main.c has the table. */
#ifndef ADZE_PHASE_VERBS_H
#define ADZE_PHASE_VERBS_H

#include "cli/cli.h"

extern const adze_cli_verb phase_verb_create;   /* domain.c */
extern const adze_cli_verb phase_verb_add;      /* domain.c */
extern const adze_cli_verb phase_verb_edit;     /* domain.c */
extern const adze_cli_verb phase_verb_remove;   /* domain.c */
extern const adze_cli_verb phase_verb_status;   /* status.c */
extern const adze_cli_verb phase_verb_metric;   /* status.c */
extern const adze_cli_verb phase_verb_list;     /* look.c */
extern const adze_cli_verb phase_verb_show;     /* look.c */
extern const adze_cli_verb phase_verb_clean;    /* clean.c */
extern const adze_cli_verb phase_verb_validate; /* validate.c */
extern const adze_cli_verb phase_verb_build;    /* build.c */
extern const adze_cli_verb phase_verb_deploy;   /* deploy.c */
extern const adze_cli_verb phase_verb_rollback; /* rollback.c */
extern const adze_cli_verb phase_verb_table;    /* table.c */

#endif
