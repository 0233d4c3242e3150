/* SPDX-License-Identifier: Apache-2.0 */
/* base/quantity.h: numbers with units, "2GiB", "1.5 ms", as people write them in pipelines: by
 * themselves, in expressions, and as parameters that count bytes. */
#ifndef ADZE_BASE_QUANTITY_H
#define ADZE_BASE_QUANTITY_H

#include "base/error.h"

typedef enum adze_quantity {
  ADZE_QUANTITY_NUMBER = 0, /* fits with every other but truth */
  ADZE_QUANTITY_BYTES,
  ADZE_QUANTITY_SECONDS,
  ADZE_QUANTITY_TRUTH
} adze_quantity;

typedef struct adze_reading {
  adze_quantity quantity;
  double number; /* truth: 0 or 1 */
} adze_reading;

/* "2GiB", "100 MB", "1.5 s": a quantity by itself, as in max-rss. */
ADZE_MUST_CHECK adze_error *adze_quantity_parse (const char *text, adze_quantity quantity,
                                                 double *number);

/* The most bytes that may be asked for: beyond it a double leaves numbers out. */
#define ADZE_BYTES_MAX 9007199254740992.0

/* What JSON Schema takes for a number in front of a unit, and for a size. */
#define ADZE_NUMBER_PATTERN "^[ \\t]*[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?[ \\t]*"
#define ADZE_SIZE_PATTERN ADZE_NUMBER_PATTERN "([KMGT]i?B|B)?[ \\t]*$"

/* ---- Its parts, for readers of expressions. */

/* How many bytes the number takes that begins TEXT, with a point whatever the locale says; 0: there
 * is none. */
size_t adze_number_size (const char *text);
ADZE_MUST_CHECK adze_error *adze_number_read (const char *text, size_t size, double *number);

#define ADZE_ALL_UNITS "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, ns, us, ms, s, min, h, %%"
/* Makes the number in READING a quantity of the unit that WORD names; false: there is no such. */
bool adze_unit_apply (const char *word, size_t size, adze_reading *reading);
/* Which unit WORD was probably meant to be; NULL: none. */
const char *adze_unit_nearest (const char *word);

#endif
