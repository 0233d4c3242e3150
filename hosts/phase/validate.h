/* SPDX-License-Identifier: Apache-2.0 */
/* phase/validate.h: is what lies in a domain's folder a model that can be built from? */
#ifndef ADZE_PHASE_VALIDATE_H
#define ADZE_PHASE_VALIDATE_H

#include "phase/state.h"

typedef struct phase_finding {
  bool wrong; /* false: it is mended when the phase is built */
  char *what;
} phase_finding;

typedef struct phase_findings {
  char *model; /* path of the file, the first where there are several; NULL: none was found */
  char **files; /* paths of all files of the model, in their order */
  size_t file_count;
  int64_t bytes;
  bool floats; /* it has matrices of floats: there is something to be made smaller */
  phase_finding *items;
  size_t count, wrong;
  bool failed; /* memory did not suffice */
} phase_findings;

void phase_findings_cleanup (phase_findings *findings);
#define PHASE_FINDINGS __attribute__ ((cleanup (phase_findings_cleanup))) phase_findings

/* Looks at the model in FOLDER: its files, configuration, tokenizer and size (at most MOST bytes; 0: any). What is
 * wrong with it is a finding, and no failure. The runtime must be open. */
int phase_validate (const phase_state *state, const char *folder, uint64_t most, phase_findings *findings);

/* The option --most-bytes. */
#define PHASE_MOST_OPTION { "most-bytes", 0, false, "SIZE", "a model that is larger is wrong; such as 8GiB" }

#endif
