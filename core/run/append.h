/* SPDX-License-Identifier: Apache-2.0 */
/* run/append.h: a file that only grows, line by line, and survives what happens in the middle of
 * one: a line that was cut short never runs together with the next. */
#ifndef ADZE_RUN_APPEND_H
#define ADZE_RUN_APPEND_H

#include "base/file.h"

typedef struct adze_append {
  char *path;
  int fd;      /* -1: not open */
  bool broken; /* the last line has no end */
} adze_append;

#define ADZE_APPEND_INIT { .fd = -1 }

/* The file is made when it is missing. */
ADZE_MUST_CHECK adze_error *adze_append_open (const char *folder, const char *name,
                                              adze_append *append);
void adze_append_close (adze_append *append);
/* Whole lines, with the last line's end: one write(2), unless the system takes less. */
ADZE_MUST_CHECK adze_error *adze_append_write (adze_append *append, const char *lines, size_t size);

#endif
