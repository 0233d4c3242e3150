/* SPDX-License-Identifier: Apache-2.0 */
/* adze/threading.h: how a component may be called. Tier: stable.
 *
 * A component says what it can stand; the host does the locking.
 */
#ifndef ADZE_THREADING_H
#define ADZE_THREADING_H

#include <adze/abi.h>

typedef enum adze_threading {
  /* One callback at a time in all components of this plugin. For code with global state. Only an
   * observer's event may come beside one of the others: it watches while they work. */
  ADZE_THREADS_PLUGIN = 1,
  /* One callback at a time in an instance; several instances at once. */
  ADZE_THREADS_INSTANCE = 2,
  /* apply (or the kind's equivalent) of one instance on several threads at once. create and
   * destroy are still called alone. */
  ADZE_THREADS_PARALLEL = 3
} adze_threading;

#endif
