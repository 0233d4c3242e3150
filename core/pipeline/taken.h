/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/taken.h: paths that outputs and observers must not write to, since something else has
 * them. Private to core/pipeline. */
#ifndef ADZE_PIPELINE_TAKEN_H
#define ADZE_PIPELINE_TAKEN_H

#include "pipeline/reader.h"

typedef struct adze_taken_path {
  char *settled; /* without links, "." and ".." */
  bool there;
  uint64_t device, inode; /* if it is */
  bool folder;            /* all that is in it is taken, too */
  char *why;              /* what to say to whoever is to write it */
} adze_taken_path;

typedef struct adze_taken {
  adze_taken_path *paths;
  size_t count;
} adze_taken;

void adze_taken_cleanup (adze_taken *taken);
/* Files that the pipeline reads, plugins, and what adze itself keeps beside it. */
ADZE_MUST_CHECK adze_error *adze_taken_begin (adze_taken *taken, const adze_pipeline *pipeline);
/* WHY not, when PATH is taken; else NULL, and it is from now on, for OWN reasons. */
ADZE_MUST_CHECK adze_error *adze_taken_ask (adze_taken *taken, const char *path, const char *own,
                                            const char **why);

#endif
