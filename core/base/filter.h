/* SPDX-License-Identifier: Apache-2.0 */
/* base/filter.h: a program that is given bytes and answers with bytes, and is gone then. */
#ifndef ADZE_BASE_FILTER_H
#define ADZE_BASE_FILTER_H

#include "base/buffer.h"

typedef struct adze_filter_options {
  const char *const *argv; /* ended by NULL; the first one is looked for in PATH */
  int64_t limit_ms;        /* it is killed after so long */
  size_t most;             /* or with more bytes than these */
} adze_filter_options;

/* ADZE_E_NOT_FOUND: there is no such program. What it prints on its standard error is thrown away. */
ADZE_MUST_CHECK adze_error *adze_filter_run (const adze_filter_options *options, const void *input, size_t size,
                                             adze_buffer *output);

#endif
