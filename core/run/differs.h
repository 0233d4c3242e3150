/* SPDX-License-Identifier: Apache-2.0 */
/* run/differs.h: what is otherwise than the last time, stage by stage: which of them run in one pass
 * may have changed since. */
#ifndef ADZE_RUN_DIFFERS_H
#define ADZE_RUN_DIFFERS_H

#include "run/execution.h"

/* What `--explain` knows of a segment, or of an output. */
typedef struct adze_answer {
  bool cached;
  bool never; /* nothing is known of it from any time before */
  bool added; /* an output that the last run did not have */
  char *why;  /* lines: why it would be done; NULL: none */
  /* Lines: what is otherwise than the last time; NULL: nothing. */
  char *made;  /* in what it is made of, and how */
  char *lying; /* in where the result is, and which stages run together for it */
} adze_answer;

/* The record, one of RECORDS, that stage ID went into; NULL: none. */
const adze_value *adze_record_of (const adze_value *records, const char *id);

typedef struct adze_comparison {
  const adze_execution *x;
  size_t first;            /* stage of the segment; those before it have ANSWERS */
  const adze_value *parts; /* of its key, or of an output's */
  const adze_value *records; /* of the last time */
  bool finished;             /* that run came to its end */
  const adze_answer *answers; /* one a segment */
} adze_comparison;

/* INPUT ("input.model") of stage ID, or of an output where that is NULL, in a line where a stage gives
 * it, now or in OLD, and it is not what it was: who gives it, or that this one does it again, or did
 * it otherwise. */
void adze_differs_input (const adze_comparison *c, const adze_value *old, const char *id,
                         const char *input, adze_buffer *into);

/* What differs between segment NUMBER and the last time. */
ADZE_MUST_CHECK adze_error *adze_differs (const adze_comparison *c, size_t number,
                                          adze_buffer *made, adze_buffer *lying);

#endif
