/* SPDX-License-Identifier: Apache-2.0 */
/* kit/backend_check.h: a backend held against ref, operator by operator. What adze_backend_check of
 * adze/host.h prints, as numbers. */
#ifndef ADZE_KIT_BACKEND_CHECK_H
#define ADZE_KIT_BACKEND_CHECK_H

#include "graph/executable.h"
#include "kit/backend_cases.h"

/* One operator with elements of one type. */
typedef struct adze_op_verdict {
  const char *op;
  char type;           /* as in the table of problems */
  unsigned cases;      /* that ref computes */
  unsigned claimed;    /* of them, by the backend */
  unsigned broken;     /* of them, beyond the bound, refused, or other bytes the second time */
  double absolute;     /* the worst error; of what is neither infinite nor NaN */
  double relative;     /* of elements that are large enough for it to count */
  double added;        /* the most that a problem says of its sums */
  uint64_t codes, beside; /* of ADZE_OP_CODES: how many, and of them one beside ref's */
  bool loses_nan;      /* it makes a number of NaN where nothing says that it must not */
  char *first;         /* what the first broken one is, or NULL */
} adze_op_verdict;

typedef struct adze_op_verdicts {
  adze_op_verdict *items;
  size_t count, capacity;
} adze_op_verdicts;

void adze_op_verdicts_cleanup (adze_op_verdicts *verdicts);

/* What an error may be of elements of a type: ABSOLUTE plus RELATIVE times the right result; ADDED is what
 * the problem says of its sums. Codes may be one beside, where ADZE_OP_CODES says so, but no more of
 * them than one in a hundred. */
void adze_op_bound (char type, double added, double *absolute, double *relative);

/* ONLY: operators that have this in their names; NULL: all. An error means that the check itself could
 * not go on. */
ADZE_MUST_CHECK adze_error *adze_op_check (adze_backend_at_work *backend,
                                           adze_backend_at_work *ref, const char *only,
                                           unsigned rounds, uint64_t seed,
                                           adze_op_verdicts *verdicts);

#endif
