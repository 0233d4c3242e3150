/* SPDX-License-Identifier: Apache-2.0 */
/* phase/build.h: a bundle being built. */
#ifndef ADZE_PHASE_BUILD_H
#define ADZE_PHASE_BUILD_H

#include "phase/manifest.h"
#include "phase/validate.h"

typedef struct phase_source {
  char digest[PHASE_DIGEST];
  int64_t bytes;
} phase_source;

/* A domain, as it is written down. */
typedef struct phase_domain {
  int64_t id;
  char *name, *folder, *description;
  char *keywords; /* a JSON list, which TOML reads as well */
  char *profile;  /* a JSON object of numbers, by emotion */
  char *emotions; /* the same as members of a TOML table: "joy = 0.5, fear = 1"; empty: none */
  double speed, quality;
  phase_findings findings;
  char digest[PHASE_DIGEST]; /* of the model that is built */
  int64_t bytes;
  phase_source *sources; /* of the files that it is built from, as findings.files */
} phase_domain;

/* How all models are made smaller. */
typedef struct phase_target {
  bool as_is;  /* not at all */
  double sqnr; /* dB */
} phase_target;

/* pipeline.c: makes TARGET out of a domain's model, with what it leaves behind in the folder WORK. */
int phase_pipeline_run (const phase_state *state, const phase_domain *domain, const phase_target *target,
                        const char *work, const char *path);

#endif
