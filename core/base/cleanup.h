/* SPDX-License-Identifier: Apache-2.0 */
/* base/cleanup.h: variables that give back what they hold when they go out of scope.
 *
 *   ADZE_AUTO_FREE char *path = ...;      free
 *   ADZE_AUTO_FD int fd = -1;             close
 *   ADZE_AUTO (adze_buffer) b = {0};      adze_buffer_cleanup (&b)
 *
 * To hand the thing on instead, return adze_take (&path), which leaves NULL behind.
 */
#ifndef ADZE_BASE_CLEANUP_H
#define ADZE_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define ADZE_AUTO(type) __attribute__ ((cleanup (type##_cleanup))) type

static inline void
adze_cleanup_free (void *pointer)
{
  free (*(void **)pointer);
}

static inline void
adze_cleanup_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
}

#define ADZE_AUTO_FREE __attribute__ ((cleanup (adze_cleanup_free)))
#define ADZE_AUTO_FD __attribute__ ((cleanup (adze_cleanup_fd)))

static inline void *
adze_take_pointer (void *pointer)
{
  void **slot = (void **)pointer; /* the cast is for C++ */
  void *taken = *slot;
  *slot = NULL;
  return taken;
}

#define adze_take(slot) ((__typeof__ (*(slot)))adze_take_pointer (slot))

#define ADZE_MUST_CHECK __attribute__ ((warn_unused_result))
#define ADZE_PRINTF(text, first) __attribute__ ((format (printf, text, first)))
#define ADZE_COUNT_OF(array) (sizeof (array) / sizeof ((array)[0]))

#endif
