/* SPDX-License-Identifier: Apache-2.0 */
/* run/verify_loops.h: what traits say of numbers, held against all of them as bits. Each looks for the first one
 * of which it is not so; UINT64_MAX: there is none. */
#ifndef ADZE_RUN_VERIFY_LOOPS_H
#define ADZE_RUN_VERIFY_LOOPS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* COUNT numbers of SIZE bytes: 1, 2, 4 or 8. One is zero when none of MASK's bits is set in it. */
typedef struct adze_bits {
  const void *data;
  uint64_t count;
  uint64_t mask;
  uint32_t size;
} adze_bits;

/* Zero in IN and not in OUT, of as many as both have. */
uint64_t adze_first_revived (const adze_bits *in, const adze_bits *out);

/* More than N that are not zero among M neighbours of a row of ROW numbers; the first one of all is in column
 * COLUMN. */
uint64_t adze_first_crowded (const adze_bits *numbers, uint64_t column, uint64_t row, uint32_t n, uint32_t m);

/* Different values of a tensor, of whose pieces several may be looked at at once. Those that are known are found
 * without the lock. */
typedef struct adze_book {
  uint64_t most, count;
  unsigned bits; /* of the number of a place */
  atomic_uint_fast64_t *places; /* 0: free */
  atomic_bool has_zero;
  pthread_mutex_t lock;
} adze_book;

ADZE_MUST_CHECK adze_error *adze_book_open (uint64_t most, adze_book *book);
void adze_book_close (adze_book *book);
/* One value more than there can be. */
uint64_t adze_first_surplus (const adze_bits *numbers, adze_book *book);

#endif
