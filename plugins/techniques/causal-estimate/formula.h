/* SPDX-License-Identifier: Apache-2.0 */
/* formula.h: an effect as a formula of probabilities that are seen, as causal-identify gives it.
 *
 *   line    = question "=" product
 *   question = "P(" names "|" "do(" names ")" [ "," names ] ")"
 *   product = factor { factor }
 *   factor  = "sum_{" names "}" product | operand [ "/" operand ]
 *   operand = "P(" names [ "|" names ] ")" | "[" product "]" | "1"
 *   names   = name { "," name }
 *
 * A sum reaches to the end of its bracket. A name is letters, digits and "_.-", or anything in quotes, of which two
 * stand for one; primes behind it make it another variable with the same values. */
#ifndef CAUSAL_ESTIMATE_FORMULA_H
#define CAUSAL_ESTIMATE_FORMULA_H

#include <adze/sdk.h>

/* Variables, parts, and brackets in brackets: at most. */
enum { EST_VARIABLES = 512, EST_PARTS = 1 << 18, EST_DEPTH = 200 };

typedef enum est_kind { EST_P, EST_PRODUCT, EST_SUM, EST_RATIO } est_kind;

/* Items and variables are numbers, which stand one after the other in .numbers of the formula. */
typedef struct est_part {
  uint32_t kind; /* est_kind */
  uint32_t items, item_count;   /* parts */
  uint32_t head, head_count;    /* variables: those in front of the bar, those that are summed over */
  uint32_t given, given_count;  /* variables behind the bar */
} est_part;

typedef struct est_variable {
  char *name;      /* without primes */
  uint32_t primes;
} est_variable;

typedef struct est_list {
  uint32_t items[EST_VARIABLES];
  uint32_t count;
} est_list;

typedef struct est_formula {
  est_variable variables[EST_VARIABLES];
  uint32_t variable_count;
  adze_bytes parts, numbers; /* est_part, uint32_t */
  est_list outcome, treatment, given;
  uint32_t root;
} est_formula;

/* Closed also after a failure, which names the character. */
adze_status est_formula_read (const adze_host *host, const char *text, size_t size, est_formula *formula);
void est_formula_close (const adze_host *host, est_formula *formula);

static inline const est_part *
est_part_at (const est_formula *formula, uint32_t index)
{
  return (const est_part *)(const void *)formula->parts.data + index;
}

static inline const uint32_t *
est_numbers_at (const est_formula *formula, uint32_t index)
{
  return (const uint32_t *)(const void *)formula->numbers.data + index;
}

#endif
